"""Scripted conversations with their truth, made by code: one split to tune on, one with other words and values."""
