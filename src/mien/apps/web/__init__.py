"""The web application: REST and live socket over the pipeline, and the pages that use them."""
