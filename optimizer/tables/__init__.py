"""From a table of any origin to observations and then to complete, evenly spaced arrays."""
