"""Output of readings: tables, documents, HTML reports, annotated images and clips."""
