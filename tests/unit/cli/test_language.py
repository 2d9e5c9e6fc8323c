"""The command line speaks Chinese or English: by --locale, else as the environment says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import click
import pytest
from click.testing import CliRunner

from qareport import cli, messages
from qareport.cli.language import choose_language, speaking_to_user
from qareport.messages import for_user, say

#: What may stay as it is in a Chinese help page: names, and examples of commands.
_NAMES = re.compile(
    r"`[^`]*`|'[^']*'|^ *qareport .*$|^用法：.*$|--?[a-zA-Z][\w-]*|\[[^\]]*\]|[A-Z][A-Z_]+\b|[\w./*-]+\.[\w*]+|"
    r"\b(?:HTML|Word|JSON|Lines|Schema|Prometheus|PostgreSQL|FSMN-VAD|textfile|node_exporter|Excel|fsspec)\b",
    re.MULTILINE,
)


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "zh"),
        ([], {"LANG": "C.UTF-8"}, "zh"),
        ([], {"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, "zh"),
        ([], {"LANG": "zh_TW.UTF-8"}, "zh"),
        ([], {"LANG": "en_GB.UTF-8"}, "en"),
        ([], {"LANG": "de_DE@euro"}, "en"),
        ([], {"LC_MESSAGES": "zh_CN", "LANG": "en_US"}, "zh"),
        ([], {"LANGUAGE": "zh_CN:en", "LANG": "en_US"}, "zh"),
        (["run", "--locale", "en"], {"LANG": "zh_CN"}, "en"),
        (["--locale=zh", "run"], {"LANG": "en_US"}, "zh"),
        (["run", "--locale", "fr"], {"LANG": "en_US"}, "en"),
        (["run", "--locale"], {}, "zh"),
    ],
)
def test_the_language_is_that_of_the_option_else_of_the_environment(
    arguments: Sequence[str], environment: Mapping[str, str], language: str
) -> None:
    assert choose_language(arguments, environment) == language


def test_what_is_said_to_the_user_is_in_the_users_language_whatever_a_document_speaks() -> None:
    message = say("Nothing was deleted.")
    with messages.speaking("zh"):
        assert (str(message), for_user(message)) == ("什么都没有删除。", "Nothing was deleted.")


def every_command(command: click.Command = cli.cli, *names: str) -> list[tuple[str, ...]]:
    """The words that call each command: (), ("rules",), ("rules", "lint") …."""
    found = [names]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += every_command(inner, *names, name)
    return found


@pytest.mark.parametrize("names", every_command(), ids=lambda names: " ".join(names) or "qareport")
def test_the_help_of_a_command_is_chinese_and_no_english_sentence_is_left(names: Sequence[str]) -> None:
    with speaking_to_user("zh"):
        page = CliRunner().invoke(cli.cli, [*names, "--help"]).output
    assert page.startswith("用法：")
    assert re.search("[\u4e00-\u9fff]", page)
    for line in _NAMES.sub(" ", page).splitlines():
        assert not re.search(r"\b[A-Za-z]+ [a-z]+ [a-z]+\b", line), line


def test_the_same_help_is_english_afterwards() -> None:
    with speaking_to_user("zh"):
        CliRunner().invoke(cli.cli, ["mail", "--help"])
    with speaking_to_user("en"):
        page = CliRunner().invoke(cli.cli, ["mail", "--help"]).output
    assert page.startswith("Usage:")
    assert not re.search("[\u4e00-\u9fff]", page)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "错误：请写录音或文件夹，或用 --manifest 给出清单"),
        (["nonsense"], "错误：没有 'nonsense' 这个命令。"),
        (["report", "1", "--format", "doc"], "应为 docx, pdf, html, json 的列表"),
        (["report", "1", "--store", "sqlite:///none.db", "--nosuch"], "错误：没有 '--nosuch' 这个选项。"),
        (["report", "1", "--date", "2026-11-21"], "错误：请写订单号，或用 --call、--agent、--date 来选"),
    ],
)
def test_a_wrong_command_is_answered_in_chinese(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--locale", "zh", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert messages.language() == "en"
