"""Weight files and the sessions that run them."""
