"""Labelled calls: the guide, the calls of each batch, and the check that they follow it (see README.md)."""
