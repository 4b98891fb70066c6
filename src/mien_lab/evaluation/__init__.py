"""Evaluation of the shipped weights with the code of the pipeline."""
