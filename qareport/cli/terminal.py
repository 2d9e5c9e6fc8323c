"""Terminals get text and nothing else: control characters of ids, file names and transcripts never reach them.

An escape sequence can retitle a window, hide a line or make a later key stroke a command; a bidirectional control makes
a line read differently from what is in it. What goes into files and pipes stays as it is.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import re
import sys
from collections.abc import Iterator
from typing import TextIO, cast

from qareport.presentation.view_types import REPLACEMENT

#: C0 and C1 without tab and line feed, bidirectional controls (UAX #9), separators, noncharacters, lone surrogates.
_CONTROLS = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd2-\ufdef\ufffe\uffff\ud800-\udfff]"
)
#: Noncharacters, which no data has on its way here: the program's own emphasis.
_BEGIN, _END = "\ufdd0", "\ufdd1"


def printable(text: str) -> str:
    """Replace what a terminal would obey by U+FFFD."""
    return _CONTROLS.sub(REPLACEMENT, text.replace(_BEGIN, REPLACEMENT).replace(_END, REPLACEMENT))


def emphasise(text: str) -> str:
    """Mark text to stand out on a terminal that `guarded` guards."""
    return f"{_BEGIN}{printable(text)}{_END}"


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Let nothing but text reach stdout and stderr inside the block, where they are terminals."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Terminal(stream)) if stream.isatty() else stream for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Terminal(io.TextIOBase):
    """A text stream to a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        #: What takes the bytes of files that go to stdout.
        self.buffer = _TerminalBytes(self)

    def write(self, text: str) -> int:
        shown = _CONTROLS.sub(REPLACEMENT, text)
        self._stream.write(shown.replace(_BEGIN, "\x1b[1;31m").replace(_END, "\x1b[0m"))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._stream.errors


class _TerminalBytes(io.RawIOBase):
    """The same for bytes of UTF-8."""

    def __init__(self, terminal: _Terminal) -> None:
        self._terminal = terminal
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._terminal.write(self._decoder.decode(bytes(data)))
        return len(data)

    def flush(self) -> None:
        self._terminal.flush()
