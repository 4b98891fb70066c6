"""Data sets, their cleaning, and what is made of them for training."""
