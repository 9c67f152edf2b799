"""The shell around the optimizer: the terminal today."""
