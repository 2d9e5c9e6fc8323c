"""Ids and numbers out of spreadsheets: traces of programs are removed, lost digits are not made up."""

from __future__ import annotations

import pytest

from qareport.codec import read_identifier, read_number
from qareport.errors import QareportError


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" 20241105000042 ", "20241105000042"),
        ("20241105000042.0", "20241105000042"),
        (20241105000042.0, "20241105000042"),
        (7, "7"),
        ('="20241105000042"', "20241105000042"),
        ("'20241105000042", "20241105000042"),
        ("\u200b20241105\u200b000042\ufeff", "20241105000042"),
        ("２０２４１１０５０００４２", "2024110500042"),
        ("Ａ０１７", "A017"),
        ("A017\x00", "A017"),
        ("12E5", "12E5"),
        ("A-017.0", "A-017.0"),
        ("O'Hara", "O'Hara"),
    ],
)
def test_an_id_is_what_the_cell_means(written: object, read: str) -> None:
    assert read_identifier(written) == read


@pytest.mark.parametrize(
    "written",
    [None, "", "  ", "NULL", "null", "nan", float("nan"), "None", "-", "N/A", "NA", "无", "暂无", "不详", "\u200b"],
)
def test_a_cell_that_means_nothing_is_no_id(written: object) -> None:
    assert read_identifier(written) is None


@pytest.mark.parametrize("written", ["2.02411E+13", "1.38e+10", "2E+14", 2.02411e13, 1.38e10])
def test_a_rounded_number_is_refused_without_quoting_it(written: object) -> None:
    with pytest.raises(QareportError, match="its last digits are lost") as caught:
        read_identifier(written)
    assert str(written) not in str(caught.value)
    assert "format the column as text" in str(caught.value)


@pytest.mark.parametrize("written", ["x" * 201, True, ["a"], {"a": 1}])
def test_what_is_no_id_is_refused(written: object) -> None:
    with pytest.raises(QareportError):
        read_identifier(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024 1105 0000 42", "20241105000042"),
        ("0", None),
        ("000.0", None),
        ("TB 2024 1105", "TB 2024 1105"),
        (0, None),
    ],
)
def test_the_number_of_an_order_has_no_spaces_between_digits_and_is_not_zero(written: object, read: str | None) -> None:
    assert read_number(written) == read
