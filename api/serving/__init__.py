"""What the service does for each of its resources: called by routes, and by the page."""
