"""The applications: command line and web server."""
