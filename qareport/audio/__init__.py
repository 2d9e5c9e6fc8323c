"""Recordings: decoded, measured (`levels`), their formats (`containers`), and compressed for a page (`playback`)."""
