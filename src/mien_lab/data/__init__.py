"""Data sets: readers, cleaning, augmentation and synthesis."""
