"""Commands of the terminal that are more than one verb of the core."""
