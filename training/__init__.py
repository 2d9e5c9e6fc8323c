"""Build the bundled small model and the bundled calls; nothing in `qareport` imports this package."""
