"""Where the store is, when the command line does not say it: the environment, a private file, or this folder.

A password on the command line stands in every list of processes; in the environment or in a file it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from qareport.errors import StoreError
from qareport.files import read_secret
from qareport.messages import say

DEFAULT_STORE: Final = "sqlite:///qareport.db"
#: Holds the URL; and names the file, which only its owner may read, that holds it.
VARIABLE: Final = "QAREPORT_STORE"
FILE_VARIABLE: Final = "QAREPORT_STORE_FILE"


def choose_store(given: str | None, environment: Mapping[str, str]) -> str:
    """Choose the store's URL: what was given, else by the environment, else `qareport.db` in this folder.

    Raises:
        StoreError: the file cannot be read, others may read it, or it is not one line of text.
    """
    if url := given or environment.get(VARIABLE):
        return url
    if path := environment.get(FILE_VARIABLE):
        return read_secret(Path(path), holds=say("the store's URL"), error=StoreError)
    return DEFAULT_STORE
