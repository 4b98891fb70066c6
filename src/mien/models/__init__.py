"""Networks as served, and the calibration of what they say."""
