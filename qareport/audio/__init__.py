"""Recordings: decoded (`decode`), their containers checked (`containers`), and made small for a page (`playback`)."""
