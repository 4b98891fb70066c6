"""Types, labels, errors and roles: what everything else speaks in."""
