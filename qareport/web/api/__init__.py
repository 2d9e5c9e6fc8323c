"""The HTTP API, version 1, one module for each part; each has a `router` below `/api/v1`."""
