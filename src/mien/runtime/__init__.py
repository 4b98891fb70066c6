"""Weight files, and the inference sessions that run them."""
