"""From media to faces: reading, finding, aligning and judging them."""
