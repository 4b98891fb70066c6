"""Result types, labels, errors and interfaces that all other packages share."""
