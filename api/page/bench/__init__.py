"""The workbench: a scenario asked, answered, changed, kept and carried away."""
