"""Readers: they understand what each sentence of a transcript does (dialogue acts), and what the call is about."""

from qareport.understanding.choose import open_reader
from qareport.understanding.own_words import ActWords, OwnWords, load_act_words
from qareport.understanding.reader import GivenReader, Reader

__all__ = ["ActWords", "GivenReader", "OwnWords", "Reader", "load_act_words", "open_reader"]
