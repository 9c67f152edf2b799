"""What every view stands in: its visitor, the forms they send, rendering, assets."""
