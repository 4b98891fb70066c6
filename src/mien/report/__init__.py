"""Readings written and drawn: tables, documents, pictures and clips."""
