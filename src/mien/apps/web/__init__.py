"""The web application: REST API, live WebSocket and the pages that use them."""
