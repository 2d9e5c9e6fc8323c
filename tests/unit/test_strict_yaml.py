"""Strict YAML: nothing is guessed, nothing is swallowed, every part knows its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydantic
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import with_config

from qareport.errors import ConfigError, SourceLocation
from qareport.settings import default_dir
from qareport.strict_yaml import parse_yaml, read_yaml, validate
from tests.support.hypothesis_profiles import examples


def parse(text: str) -> object:
    return parse_yaml(text.encode(), name="f.yaml").data


def refused(text: str | bytes) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_yaml(text if isinstance(text, bytes) else text.encode(), name="f.yaml")
    return str(raised.value)


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "Off", "010", "12:30", "2026-11-21", "0x10", "1e3", "1_000", "True"]
)
def test_what_yaml_would_guess_stays_the_text_that_was_written(word: str) -> None:
    assert parse(f"key: {word}") == {"key": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("12", 12), ("-3", -3), ("0.5", 0.5), ("~", None), ("", None), ("'12'", "12")],
)
def test_plain_values_are_what_they_look_like(text: str, value: object) -> None:
    assert parse(f"key: {text}") == {"key": value}


def test_every_part_knows_its_line_and_column() -> None:
    source = parse_yaml("规则:\n  - id: 甲\n    when: [1, 2]\n".encode(), name="f.yaml")
    assert source.locate(("规则", 0, "when", 1)) == SourceLocation(file="f.yaml", line=3, column=15)
    assert str(source.locate(("规则", 0, "id"))) == "f.yaml:2:5"


def test_a_part_that_is_not_there_stands_where_its_nearest_parent_does() -> None:
    source = parse_yaml(b"a:\n  b: 1\n", name="f.yaml")
    assert source.locate(("a", "x", 3)).line == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key 'a' is given twice; first given on line 1: keep one"),
        ("a: &x [1]\nb: *x\n", "1:4: &x is an anchor of YAML here"),
        ("a: &x\n  b: *x\n", "1:4: &x is an anchor of YAML here"),
        (
            "any: [&a 发货]\n",
            "1:7: &a is an anchor of YAML here, and no text; where it is text, put all of it in quotes",
        ),
        ("a: {<<: {b: 1}}\n", "merge keys"),
        ("a: !thing x\n", "f.yaml:1:4: tag '!thing' is not used here"),
        ("? [1]\n: 2\n", "f.yaml:1:3: a key that is not text"),
        ("a: 1\n\tb: 2\n", "f.yaml:2:1: a tab stands here"),
        ("a: [1\n", "f.yaml:1:4: the bracket [ is not closed"),
        ("a: [1,\n", "f.yaml:1:4: the bracket [ is not closed; write ] where the list ends"),
        ("a: ['[', {b: [1], c: \n", "f.yaml:1:10: the bracket { is not closed; write } where the list ends"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"),
        ("[" * 60 + "]" * 60, "nested deeper than 40"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_place(text: str, expected: str) -> None:
    assert expected in refused(text)


@pytest.mark.parametrize("text", ["a: !!python/object:os.system x\n", "a: !!str 12\n", "a: !thing {b: 1}\n"])
def test_every_explicit_tag_is_refused(text: str) -> None:
    assert "is not used here" in refused(text)


COMMENTED = """# top # still the same
a: 1 # one
b: "x # no" # yes
c: >- # header
  text # not
d: [x#y, plain
  too]
# end"""


def test_comments_are_known_with_their_places_and_text_that_looks_like_them_is_not_one() -> None:
    source = parse_yaml(COMMENTED.encode(), name="f.yaml")
    assert [f"{where}: {comment}" for where, comment in source.comments] == [
        "f.yaml:1:1: # top # still the same",
        "f.yaml:2:6: # one",
        "f.yaml:3:13: # yes",
        "f.yaml:4:7: # header",
        "f.yaml:8:1: # end",
    ]


def test_plain_scalars_are_known_with_their_places() -> None:
    source = parse_yaml(COMMENTED.encode(), name="f.yaml")
    assert [f"{where.line}:{where.column} {text}" for where, text in source.plain_scalars] == [
        "2:1 a", "2:4 1", "3:1 b", "4:1 c", "6:1 d", "6:5 x#y", "6:10 plain too",
    ]  # fmt: skip


def test_a_character_or_an_escape_that_cannot_be_read_has_its_place() -> None:
    assert refused("a: 1\nb: \x00") == "f.yaml:2:4: character U+0000 cannot be used"
    assert refused('a: "\\UFFFFFFFF"').startswith("f.yaml:1:")


def test_text_that_is_not_utf8_names_the_line() -> None:
    assert "f.yaml:2:1: not UTF-8" in refused("a: 1\nb: 发货\n".encode("gb18030"))


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parse_yaml(b"\xef\xbb\xbfa: 1\n", name="f.yaml").data == {"a": 1}


def test_a_file_too_large_to_be_edited_by_a_person_is_refused() -> None:
    assert "expected at most" in refused(b"#" * 2_000_001)


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")


@with_config(extra="forbid")
@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 1


def test_a_typed_value_comes_out_or_every_wrong_field_is_named() -> None:
    assert validate(Thing, parse_yaml(b"name: x\n", name="f.yaml")) == Thing("x")
    with pytest.raises(ConfigError) as raised:
        validate(Thing, parse_yaml(b"sise: 2\nsize: big\n", name="f.yaml"))
    assert {str(problem) for problem in raised.value.problems} == {
        "f.yaml:1:1: 'name' is missing",
        "f.yaml:1:1: unknown key 'sise'; did you mean 'size'?",
        "f.yaml:2:1: size: got 'big'; expected a whole number",
    }


@with_config(extra="forbid")
@dataclass(frozen=True)
class Outer:
    other: Thing = Thing("x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("other:\n", "f.yaml:1:1: other: got None; expected keys with values below it, not a bare value"),
        ("- a\n", "f.yaml:1:1: document: got ['a']; expected keys with values below it, not a bare value"),
        (
            "other： {name: x}\n",
            "f.yaml:1:1: unknown key 'other： {name'; write an English colon and a space (: )",
        ),
    ],
)
def test_an_empty_section_a_list_and_a_chinese_colon_are_told_in_plain_words(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        validate(Outer, parse_yaml(text.encode(), name="f.yaml"))
    assert [str(problem) for problem in raised.value.problems] == [problem]


@given(st.text(max_size=60) | st.text(st.sampled_from("ab:-[]{}\n\t '\"#&*!|>%@`,?~发"), max_size=40))
@examples(300)
def test_any_text_is_data_or_a_configuration_error(text: str) -> None:
    try:
        parse_yaml(text.encode("utf-8", "surrogatepass"), name="f.yaml")
    except ConfigError as error:
        assert all(problem.where is not None for problem in error.problems)


def test_what_reads_a_type_is_built_once_however_many_documents_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Own:
        key: int

    built, adapter = [], pydantic.TypeAdapter
    monkeypatch.setattr(pydantic, "TypeAdapter", lambda kind: built.append(kind) or adapter(kind))
    for number in (1, 2):
        assert validate(Own, parse_yaml(f"key: {number}".encode(), name="f.yaml")) == Own(number)
    assert built == [Own]


@pytest.mark.parametrize("path", sorted(default_dir("config").rglob("*.yaml")), ids=lambda path: path.name)
def test_libyaml_reads_a_shipped_file_as_the_slow_parser_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read_yaml(path)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert read_yaml(path) == fast


@given(st.text(alphabet="ab:- \n#'\"[]{},|>!&*%@`~\t1.你：", max_size=60))
def test_libyaml_reads_and_refuses_any_text_as_the_slow_parser_does(text: str) -> None:
    def outcome() -> object:
        try:
            return parse_yaml(text.encode(), name="f.yaml")
        except ConfigError as error:
            return str(error)

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        assert outcome() == fast


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_file_is_read_as_windows_notepad_saves_it(encoding: str) -> None:
    assert parse_yaml("shop: 旗舰店\r\n".encode(encoding), name="s.yaml").data == {"shop": "旗舰店"}


def test_the_mark_with_which_dos_ends_a_file_is_no_text() -> None:
    assert parse_yaml(b"a: 1\r\n\x1a", name="s.yaml").data == {"a": 1}


def test_a_file_cut_within_a_character_of_utf_16_says_how_to_save_it() -> None:
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        parse_yaml(b"\xff\xfea\x00:", name="s.yaml")
