"""mien reads apparent facial expressions in photographs and films, on your own machine."""

__version__ = "0.1.0"
