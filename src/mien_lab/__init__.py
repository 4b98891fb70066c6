"""Training, export and evaluation of mien's models."""
