"""From bytes of any origin to tables, observations, and complete, evenly spaced arrays."""
