"""Calls that are heard while they are on: endpointing, provisional text, signals, live rules and alerts."""
