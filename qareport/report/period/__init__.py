"""period."""
