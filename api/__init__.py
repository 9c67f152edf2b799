"""The shell around the optimizer: the command line, its tables, its files."""
