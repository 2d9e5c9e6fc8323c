"""qareport: quality reports from customer-service calls.

`transcribe`, `analyse` and `Workspace` are for notebooks and programs (docs/reference/python-api.md); they are imported
when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qareport.api import Workspace, analyse, transcribe

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__", "analyse", "transcribe"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qareport import api

    return getattr(api, name)
