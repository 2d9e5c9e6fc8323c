"""Readers: they understand what each sentence of a transcript does (dialogue acts), and what the call is about."""

from qareport.understanding.given import GivenReader
from qareport.understanding.reader import Reader

__all__ = ["GivenReader", "Reader"]
