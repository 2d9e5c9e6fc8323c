"""Columns of the store that are computed."""

from __future__ import annotations

import pytest

from qareport.store.schema import compared_number


@pytest.mark.parametrize("number", ["13800001234", "+86 138-0000-1234", "0086 13800001234", "8613800001234"])
def test_a_telephone_number_is_the_same_however_its_country_is_written(number: str) -> None:
    assert compared_number(number) == "13800001234"
