"""Files that are written whole or not at all; content keys: equal parts give equal keys, anything else another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.errors import ModelError
from qareport.files import atomic_path, atomic_write, content_key, read_secret

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


def secret_of(path: Path) -> str:
    return read_secret(path, holds="the key", error=ModelError)


def test_a_secret_is_the_line_of_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("abc def\n")
    path.chmod(0o600)
    assert secret_of(path) == "abc def"


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"geheim\n", 0o644, "others may read it (mode 0644); expected mode 0600; chmod 600 "),
        (b"geheim\nzwei\n", 0o600, "does not hold the key; expected one line"),
        (b"\n", 0o600, "does not hold the key; expected one line"),
        (b"geheim\xff", 0o600, "is not text in UTF-8; expected the key"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_quoting_it(
    tmp_path: Path, content: bytes, mode: int, says: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(ModelError) as raised:
        secret_of(path)
    assert str(raised.value).startswith(f"{path}: {says}")
    assert "geheim" not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_a_folder_and_a_file_that_is_not_there_hold_no_secret(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("folder", "nowhere"):
        with pytest.raises(ModelError, match="expected"):
            secret_of(tmp_path / name)
