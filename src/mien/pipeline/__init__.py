"""The parts wired together: sources in, readings out."""
