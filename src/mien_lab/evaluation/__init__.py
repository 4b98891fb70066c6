"""Figures on what ships, measured with the code that serves."""
