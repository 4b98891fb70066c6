"""The pipeline: sources in, readings out."""
