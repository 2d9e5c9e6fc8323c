"""Broken rule files: each is answered with its line, its column and a message that a person understands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from qareport import messages, rules
from qareport.errors import ConfigError
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "unit" / "rules" / "broken_rules"
EXPECTED: dict[str, list[str]] = yaml.safe_load((FOLDER / "expected.yaml").read_text(encoding="utf-8"))


def test_there_are_at_least_sixty_of_them_and_each_has_its_answer() -> None:
    names = {path.stem for path in FOLDER.glob("*.yaml")} - {"expected"}
    assert names == set(EXPECTED)
    assert len(names) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_broken_file_is_answered_with_all_its_problems_and_their_places(tmp_path: Path, name: str) -> None:
    shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    with pytest.raises(ConfigError) as raised:
        rules.load(tmp_path)
    answers = [str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems]
    assert answers == EXPECTED[name]
    assert all(re.match(rf"{name}\.yaml:\d+:\d+: ", answer) for answer in answers)
    assert not any("Traceback" in answer or "pydantic" in answer for answer in answers)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("colon-chinese", "colon-chinese.yaml:5:13: 这一行用了中文冒号（：）；请改成英文冒号加空格"),
        ("colon-chinese-in-condition", "这里用了中文冒号（：），请改成英文冒号加空格"),
        ("colon-in-text", "文字里有冒号加空格，会被当成键和值；请把整段文字放进英文引号，或写在 >- 的下一行"),
        ("indent-one-less", "indent-one-less.yaml:5:4: 这一行的缩进和前后对不齐；应空 4 格，现在空了 3 格"),
        ("bracket-chinese", "括号 [ 没有结束；结尾用了中文括号，请改成 ]"),
        ("severity-chinese-unknown", "严重程度：写的是“很严重”"),
        ("severity-unknown", "minor（一般）、major（主要）"),
        ("within-full-width", "应为：时间（2秒、1500毫秒、1分钟）或句数（3句）；字母和数字要用半角：10s"),
        (
            "comma-chinese-in-braces",
            "comma-chinese-in-braces.yaml:10:17: 这一行用了中文逗号（，）；请改成英文逗号加空格",
        ),
        ("colon-chinese-in-braces", "不认识的键“是：愤怒”；这里用了中文冒号（：），请改成英文冒号加空格"),
        ("space-full-width", "space-full-width.yaml:6:1: 这一行用了全角空格（或不间断空格）；请改成普通空格"),
        ("dash-chinese", "dash-chinese.yaml:11:9: 这一行开头的短横线不是英文的（—）"),
        ("dash-before-within", "如果它是上一个条件的，去掉前面的短横线，和那个条件对齐"),
        ("points-with-unit", "分数：写的是“-10分”；应为：整数；请写 -10，不加引号，不带单位"),
        ("within-spoken", "以内：写的是“两分钟内”；应为：时间（2秒、1500毫秒、1分钟）或句数（3句）；请写 2分钟"),
        ("within-two-units", "请写成一个数：90秒"),
        ("within-misplaced", "“within”不能写在这里；它要写在 `先后`（sequence）的第二步或以后"),
        ("effective-no-such-day", "从：写的是“2026-11-31”；应为：日期，例如 2026-11-01；没有这一天"),
        ("hours-chinese-dash", "请写 09:00-21:00"),
        ("weekend", "请写 [周六, 周日]"),
        ("longer-by-another-name", "不认识的键“长于”；是不是想写“不短于”？"),
        ("speed-bare", "应为：下面一层的键和值：role（谁）、above（高于）、below（低于）"),
        ("regex-broken", "应为：正则表达式（( 没有结束，在第 1 个字）"),
        ("advice-single-braces", "“{quote}”不是占位符：请写 {{ quote }}"),
        ("keyword-decimal", '写的是 3.10；应为：文字；加上英文引号："3.10"'),
        ("points-fraction", "points：写的是 -2.5；应为：整数"),
        ("rule-half-commented", "上一条里混进了另一条：它的第一行（第 10 行）被注释掉了"),
        ("key-in-both-languages", "“严重程度”和“severity”是同一个键；第一次写在第 5 行：留一个"),
    ],
)
def test_who_reads_chinese_is_answered_in_chinese(tmp_path: Path, name: str, answer: str) -> None:
    shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    with pytest.raises(ConfigError) as raised:
        rules.load(tmp_path)
    with messages.speaking("zh"):
        assert answer in str(raised.value)
