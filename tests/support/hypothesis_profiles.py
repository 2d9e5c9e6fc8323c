"""How far property tests look: HYPOTHESIS_PROFILE=steady, unless it is set, or explore (`make explore`)."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

#: Hypothesis's own number of examples of a test that names none.
_DEFAULT_COUNT = 100
_STEADY, _EXPLORE = "steady", "explore"
#: How many times as many examples each profile tries.
_BREADTH = {_STEADY: 1, _EXPLORE: 20}


def _profile() -> str:
    return os.environ.get("HYPOTHESIS_PROFILE", _STEADY)


def load_profile() -> None:
    """Load the profile that the environment names.

    `steady` tries the same examples in every run, so that nothing fails by chance; `explore` looks further, with a new
    seed each time.
    """
    settings.register_profile(_STEADY, max_examples=_DEFAULT_COUNT, derandomize=True, deadline=None, database=None)
    explored = _DEFAULT_COUNT * _BREADTH[_EXPLORE]
    settings.register_profile(_EXPLORE, max_examples=explored, deadline=None, print_blob=True)
    settings.load_profile(_profile())


def examples(count: int, **changes: Any) -> settings:
    """Try so many examples, times the breadth of the profile, where the usual number is too many or too few.

    Args:
        count: examples in the profile `steady`.
        changes: other settings of Hypothesis for the test.
    """
    return settings(max_examples=count * _BREADTH[_profile()], **changes)
