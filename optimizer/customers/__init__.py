"""What a new customer is worth, by the segment or channel that brought them."""
