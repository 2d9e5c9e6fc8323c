"""Recordings: decoding and levels (`decode`), formats and digests (`containers`), copies for a page (`playback`)."""
