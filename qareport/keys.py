"""Content keys: what a result follows from, hashed, so that equal work is recognised and not done again."""

from __future__ import annotations

import hashlib


def content_key(*parts: str) -> str:
    """Hash everything that decides a result.

    Each part is preceded by its length, so no two lists of parts share a key by where one ends and the next begins.
    Lone surrogates (of file names that are not UTF-8) are kept.

    Returns:
        the SHA-256 in 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
