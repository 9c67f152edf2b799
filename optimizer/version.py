"""The version every answer carries."""

VERSION = "0.1.0"
