"""The networks at inference time, and the calibration of their outputs."""
