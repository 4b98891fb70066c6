"""Networks, their training and their export."""
