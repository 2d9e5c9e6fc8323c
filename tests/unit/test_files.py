"""Files that are written whole or not at all; content keys: equal parts give equal keys, anything else another."""

from __future__ import annotations

import os
import pwd
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.errors import ModelError
from qareport.files import (
    atomic_path,
    atomic_write,
    content_key,
    in_home,
    is_file,
    open_output,
    private_files,
    read_secret,
    remove_unfinished,
    safe_name,
    share_with_group,
    user_name,
)

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


# --- names ------------------------------------------------------------------------------------------------------------

ODD_NAMES = ("../../X", "/etc/X", "..", ".", "", "a/b", "a\\b", "a\0b", "CON", "aux.txt", "-rf", "长" * 300, "𠀀" * 60)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_made_of_an_id_is_one_step_of_a_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{safe_name(name)}.txt"
    assert path.resolve().parent == tmp_path
    path.write_text("fits")


@given(st.sets(st.text(max_size=20), max_size=8))
def test_ids_that_differ_never_share_a_name(names: set[str]) -> None:
    assert len({safe_name(name) for name in names}) == len(names)


def test_an_id_that_is_written_like_the_name_of_another_has_another_name() -> None:
    altered = safe_name("x y")
    assert altered.startswith("x_y~")
    assert len({altered, safe_name(altered), safe_name("x_y"), safe_name("x_y-887fcea6")}) == 4


def test_usual_ids_are_names_as_they_are() -> None:
    for name in ("20241105000042", "订单1", "0001-ab12cd34", "A03", "li.lei@example.com", "x_y-887fcea6"):
        assert safe_name(name) == name


# --- what -o names ----------------------------------------------------------------------------------------------------


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "link.csv", tmp_path / "shared" / "calls.csv"
    target.parent.mkdir()
    link.symlink_to(target)
    with open_output(link) as file:
        file.write(b"rows")
    assert link.is_symlink()
    assert target.read_bytes() == b"rows"
    assert list(target.parent.iterdir()) == [target]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open_output(pipe) as file:
        file.write(b"rows")
    assert os.read(reader, 10) == b"rows"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_device_is_written_to_and_not_replaced() -> None:
    with open_output(Path("/dev/null")) as file:
        file.write(b"rows")
    assert Path("/dev/null").is_char_device()


def test_a_name_that_the_locale_cannot_write_is_an_error_of_the_system_that_says_what_to_do(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from qareport.files import atomic_write\n"
        "from qareport.errors import os_reason\n"
        "try:\n    with atomic_write(Path(sys.argv[1], chr(0x8ba2) + '.html')): pass\n"
        "except OSError as error: print(os_reason(error))\n"
    )
    locale = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=os.environ | locale, capture_output=True, text=True, check=True
    ).stdout
    assert "set PYTHONUTF8=1" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["x" * 300, "a\0b", "none.wav", "."])
def test_what_no_file_system_takes_is_no_file(path: str) -> None:
    assert not is_file(path)
    assert is_file(__file__)


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is a folder"), open_output(tmp_path) as file:
        file.write(b"rows")
    assert list(tmp_path.iterdir()) == []


def test_a_planted_link_is_replaced_and_what_it_points_to_is_not_touched(tmp_path: Path) -> None:
    precious, path = tmp_path / "precious", tmp_path / "report.docx"
    precious.write_bytes(b"mine")
    path.symlink_to(precious)
    with atomic_write(path) as file:
        file.write(b"report")
    assert precious.read_bytes() == b"mine"
    assert not path.is_symlink()


# --- who may read -----------------------------------------------------------------------------------------------------


def modes(folder: Path) -> list[str]:
    return [f"{stat.S_IMODE(path.stat().st_mode):o}" for path in sorted(folder.rglob("*"))]


@pytest.mark.parametrize(("shared", "expected"), [(False, ["700", "600"]), (True, ["750", "640"])])
def test_what_is_written_is_private_whatever_the_umask(tmp_path: Path, shared: bool, expected: list[str]) -> None:
    before = os.umask(0)
    try:
        with private_files():
            if shared:
                share_with_group()
            with open_output(tmp_path / "out" / "calls.csv") as file:
                file.write(b"rows")
    finally:
        after = os.umask(before)
    assert modes(tmp_path) == expected
    assert after == 0, "the umask is given back"


def test_outside_the_command_line_others_cannot_read_either(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with atomic_write(tmp_path / "calls.csv") as file:
            file.write(b"rows")
    finally:
        os.umask(before)
    assert modes(tmp_path) == ["640"]


# --- left behind ------------------------------------------------------------------------------------------------------


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    killed = tmp_path / ".0123456789abcdef.qareport-part"
    killed.write_bytes(b"unmasked")
    older = tmp_path / ".backup.db.4711.tmp"
    older.write_bytes(b"unmasked")
    os.utime(older, (0, 0))
    theirs = tmp_path / ".notes.tmp"
    theirs.write_bytes(b"of another program")
    young = tmp_path / ".backup.db.4712.tmp"
    young.write_bytes(b"of an older version that may still write it")
    with atomic_path(tmp_path / "new.db") as writing:
        assert set(remove_unfinished(tmp_path)) == {killed, older}
        assert writing.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, theirs.name, "new.db"]
    assert remove_unfinished(tmp_path / "nowhere") == ()


def test_a_user_without_a_home_and_a_name_has_a_number_and_paths_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(_: int) -> None:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert in_home("~/.cache") == Path("~/.cache")
    assert user_name() == str(os.getuid())
