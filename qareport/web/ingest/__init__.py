"""Sound of calls that are on, as telephone systems send it: one module for each convention, and the server."""
