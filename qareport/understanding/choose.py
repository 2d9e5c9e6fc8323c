"""Which reader the settings choose, under the user's own words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from qareport.errors import ConfigError, Problem, QareportError
from qareport.files import in_home, read_secret
from qareport.messages import say
from qareport.settings import LanguageModelSettings, UnderstandingSettings
from qareport.understanding.own_words import OwnWords, load_act_words
from qareport.understanding.reader import Reader, ReaderOnDemand

#: Environment variable that holds the key of the language model's server.
VARIABLE: Final = "QAREPORT_LLM_KEY"


def open_reader(settings: UnderstandingSettings, config: Path, environment: Mapping[str, str] = os.environ) -> Reader:
    """Open the reader that the settings choose, corrected by `acts.yaml` of a configuration folder.

    Its model is loaded when the first call is read.

    Args:
        settings: the section `understanding`.
        config: the configuration folder.
        environment: where the key of a language model may be.

    Raises:
        ConfigError: everything wrong in `acts.yaml`, or no usable key where one is named.
    """
    words = load_act_words(config / "acts.yaml")
    reader: Reader = ReaderOnDemand(_load_bundled)
    if settings.reader == "language_model":
        from qareport.understanding.language_model import LanguageModelReader

        chosen = settings.language_model
        reader = LanguageModelReader(chosen, key=read_key(chosen, environment), fallback=reader)
    return OwnWords(reader, words)


def _load_bundled() -> Reader:
    from qareport.understanding.bundled import BundledReader

    return BundledReader.load()


def read_key(settings: LanguageModelSettings, environment: Mapping[str, str] = os.environ) -> str:
    """Return the key of the server, "" when none is named.

    Raises:
        ConfigError: a file that cannot be read or that others may read, or what cannot be a key. It is not quoted.
    """
    key, where = environment.get(VARIABLE, ""), VARIABLE
    if not key and settings.key_file:
        where = settings.key_file
        try:
            key = read_secret(in_home(where), holds=say("the key of the language model"), error=QareportError)
        except QareportError as error:
            raise ConfigError(error.problems) from error
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            [Problem(what=say("cannot be a key"), where=where, expected=say("one line of ASCII characters"))]
        )
    return key
