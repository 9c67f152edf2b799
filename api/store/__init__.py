"""What the service keeps: rows in one database, immutable files beside it."""
