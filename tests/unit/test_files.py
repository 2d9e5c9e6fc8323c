"""Files that are written whole or not at all; content keys: equal parts give equal keys, anything else another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.files import atomic_path, atomic_write, content_key

PARTS = st.lists(st.text(), max_size=4)


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.docx"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.docx"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), atomic_write(path) as file:
        file.writelines([b"half", "no bytes"])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_program_may_write_the_file(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "copy.db") as temporary:
        temporary.write_bytes(b"all of it")
        assert temporary.parent == tmp_path, "a file is moved in one step only within its file system"
    assert (tmp_path / "copy.db").read_bytes() == b"all of it"


def test_a_folder_that_does_not_exist_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "nowhere" / "a.txt") as file:
        file.write(b"")


# --- content keys -----------------------------------------------------------------------------------------------------


@given(PARTS, PARTS)
def test_two_keys_are_equal_where_all_parts_are(first: list[str], second: list[str]) -> None:
    assert (content_key(*first) == content_key(*second)) == (first == second)


def test_where_one_part_ends_and_the_next_begins_counts() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("a") != content_key("a", "")


def test_a_name_that_is_no_utf8_has_a_key() -> None:
    assert re.fullmatch("[0-9a-f]{64}", content_key("\udce4.wav"))
