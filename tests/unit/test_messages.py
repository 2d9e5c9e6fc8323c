"""Messages speak English, or Chinese where the process or a block says so; a message waits for the one who reads it."""

from __future__ import annotations

import threading

import pytest

from qareport import messages
from qareport.errors import Problem
from qareport.messages import Kept, Message, say, say_count

PROBLEM = Problem(what="x", where="a.yaml:3:5", expected="y", to_do="z")


def test_a_message_fills_its_values_when_it_is_read() -> None:
    assert str(say("unknown key {key!r}", key="sverity")) == "unknown key 'sverity'"


def test_a_message_without_values_keeps_its_braces() -> None:
    assert str(say("write {{ topic }}")) == "write {{ topic }}"


def test_an_error_speaks_the_language_of_its_reader_and_not_of_its_maker() -> None:
    with messages.speaking("zh"):
        assert str(PROBLEM) == "a.yaml:3:5: x；应为：y；z"
    assert str(PROBLEM) == "a.yaml:3:5: x; expected y; z"


def test_a_message_in_a_message_is_said_in_the_same_language() -> None:
    with messages.speaking("zh"):
        assert str(say("{what}; {to_do}", what=say("{what}; {to_do}", what="a", to_do="b"), to_do="c")) == "a；b；c"


@pytest.mark.parametrize(("count", "said"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls")])
def test_english_has_a_form_for_one_thing(count: int, said: str) -> None:
    assert str(say_count("{count} call", "{count} calls", count)) == said


def test_threads_speak_the_language_of_the_process() -> None:
    heard: list[str] = []
    messages.use("zh")
    try:
        thread = threading.Thread(target=lambda: heard.append(str(PROBLEM)))
        thread.start()
        thread.join()
    finally:
        messages.use("en")
    assert heard == ["a.yaml:3:5: x；应为：y；z"]


def test_a_text_that_no_catalogue_knows_is_said_as_it_is() -> None:
    with messages.speaking("zh"):
        assert str(Message("nobody translated this")) == "nobody translated this"


def test_there_are_two_languages() -> None:
    with pytest.raises(ValueError, match="messages speak en, zh, not 'de'"):
        messages.use("de")


def test_kept_words_are_read_in_the_language_of_who_reads_them() -> None:
    kept = messages.keep(
        say("given up after {count} tries; last: {reply}", count=3, reply=Kept(messages.keep(PROBLEM)))
    )
    assert messages.recall(kept) == "given up after 3 tries; last: a.yaml:3:5: x; expected y; z"
    with messages.speaking("zh"):
        assert messages.recall(kept) == "试了 3 次后放弃；最后一次：a.yaml:3:5: x；应为：y；z"


def test_words_of_others_are_kept_as_they_are() -> None:
    assert messages.keep("410 gone") == "410 gone"
    assert messages.recall("410 gone") == "410 gone"


def test_kept_words_are_cleaned_in_every_language() -> None:
    kept = messages.keep(
        say("{what}; {to_do}", what="13800138000", to_do="x"), clean=lambda text: text.replace("138", "*")
    )
    assert "138" not in kept
    assert messages.recall(kept) == "*00*000; x"
