"""The routes of /v1: what comes in is checked, a function of `api.serving` is called."""
