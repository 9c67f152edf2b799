"""The words of the page: its languages, the core's sentences in them, templates that speak them."""
