"""Readers: they understand what each sentence of a transcript does (dialogue acts), and what the call is about."""

from qareport.understanding.reader import GivenReader, Reader

__all__ = ["GivenReader", "Reader"]
