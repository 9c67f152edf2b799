"""The planner's page: the service's answers as HTML, with forms that need no script."""
