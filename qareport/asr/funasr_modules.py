"""Import single modules of funasr: the package itself imports all of its modules, which takes 7 s of CPU.

What is imported here is the very code of funasr. Whoever takes something of the package itself afterwards, such as
`AutoModel`, gets all of it, as ever.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from qareport.asr.suppress_output import suppress_output
from qareport.errors import ModelError
from qareport.messages import say

if TYPE_CHECKING:
    import funasr  # noqa: F401 - what is imported by name below: the contracts in pyproject.toml see it

_PACKAGE = "funasr"


def import_funasr(*modules: str) -> tuple[Any, ...]:
    """Import modules of funasr by their names within it, and nothing that they do not need.

    Raises:
        ModelError: funasr is not installed, or cannot be imported.
    """
    try:
        with suppress_output():
            _put_in_place()
            return tuple(importlib.import_module(f"{_PACKAGE}.{module}") for module in modules)
    except ImportError as error:
        raise ModelError(
            say("funasr cannot be imported ({error})", error=error), to_do=say("pip install 'qareport[engine]'")
        ) from error


def _put_in_place() -> None:
    """Put funasr in place without running its code, unless it was imported already."""
    if _PACKAGE in sys.modules:
        return
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named '{_PACKAGE}'", name=_PACKAGE)
    package = _Waiting(_PACKAGE)
    package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations)
    package.__file__, package.__loader__, package.__package__ = spec.origin, spec.loader, _PACKAGE
    sys.modules[_PACKAGE] = package


class _Waiting(ModuleType):
    """The package before its own code has run: that happens when something of it is asked for, such as `AutoModel`."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)
