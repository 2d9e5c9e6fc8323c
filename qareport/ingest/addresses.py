"""Which addresses may be reached, and how they are shown: never with a password."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from qareport.messages import Message, say


def is_url(source: str) -> bool:
    """Tell whether a source is a URL, rather than a path."""
    return "://" in source


def is_chain(url: str) -> bool:
    """Tell whether a URL is a chain of fsspec, `simplecache::s3://…`: each link can reach something else."""
    return "::" in re.sub(r"\[[^\]]*\]", "", url)  # the host may be an IPv6 address


def shown(url: str) -> str:
    """Write a URL as messages may show it: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return url.partition("://")[0] + "://…"
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def secrets(url: str) -> tuple[str, ...]:
    """Return what no message may repeat of a URL, the longest first: user and password, together and the latter alone.

    Drivers quote parts of a URL, and decoded ones: a user before an `@` is a part of the bucket's name to some.
    """
    try:
        user = urlsplit(url).netloc.rpartition("@")[0]
    except ValueError:
        return ()
    password = user.partition(":")[2]
    found = {part for text in (user, password) for part in (text, unquote(text)) if part}
    return tuple(sorted(found, key=len, reverse=True))


def file_name(url: str) -> str:
    """Return the name of the file behind a URL: `a b.wav` of `https://example.com/calls/a%20b.wav?key=1`."""
    path = unquote(urlsplit(url).path) if url.startswith(("http://", "https://")) else url
    return PurePosixPath(path.replace("\x00", "")).name or "recording"


def refusal(url: str, *, allowed: Iterable[str], beside: Path) -> Message | None:
    """Say why a manifest may not name a URL; None: it may.

    Args:
        url: as the manifest has it.
        allowed: beginnings of URLs (`ingest.manifest_urls`), and the sources that were named beside the manifest.
        beside: the manifest's folder, below which `file://` is allowed.
    """
    try:
        parts = _split(url)
    except ValueError:
        return say("not an address")
    if is_chain(url):
        return say("a chain of addresses (::)")
    if parts.scheme == "file" and _is_below(Path(unquote(parts.path)), beside):
        return None
    if any(_begins_with(parts, _split(beginning)) for beginning in allowed if is_url(beginning)):
        return None
    return say("a manifest may not name this address (ingest.manifest_urls)")


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    _ = parts.port  # raises where it is no number
    return parts


def _is_below(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False


def _begins_with(parts: SplitResult, beginning: SplitResult) -> bool:
    """Compare scheme and host as a whole, and the path by its folders: `/calls` is not the beginning of `/calls-2`."""
    if (parts.scheme, parts.hostname, parts.port) != (beginning.scheme, beginning.hostname, beginning.port):
        return False
    path = posixpath.normpath(unquote(parts.path) or "/")
    first = posixpath.normpath(unquote(beginning.path) or "/")
    return path == first or path.startswith(first.rstrip("/") + "/")
