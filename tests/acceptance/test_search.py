"""`qareport search`, as people type it: what it finds, and what it says when it finds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qareport import cli

CALLS = [
    {
        "call_id": "c1",
        "order_id": "20261105000042",
        "agent_id": "A017",
        "started_at": "2026-11-20T09:00:00+08:00",
        "segments": [
            {
                "start_ms": 0,
                "end_ms": 2000,
                "role": "agent",
                "text": "您好，请问有什么可以帮您？",
                "emotion": "NEUTRAL",
            },
            {"start_ms": 2300, "end_ms": 5000, "role": "customer", "text": "我要退货，运费谁出？", "emotion": "ANGRY"},
            {"start_ms": 9000, "end_ms": 11000, "role": "customer", "text": "你们真让人失望。", "emotion": "SAD"},
            {"start_ms": 11500, "end_ms": 13000, "role": "agent", "text": "退款会按时到账。", "emotion": "NEUTRAL"},
        ],
    },
    {
        "call_id": "c2",
        "agent_id": "A023",
        "started_at": "2026-11-21T09:00:00+08:00",
        "segments": [
            {"start_ms": 0, "end_ms": 2000, "role": "customer", "text": "什么时候发货？", "emotion": "NEUTRAL"},
            {"start_ms": 2300, "end_ms": 4000, "role": "agent", "text": "今天就发货。", "emotion": "HAPPY"},
        ],
    },
]

Say = Callable[..., tuple[str, str]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """A store of two calls; what asks it returns the output and what is said beside it."""
    monkeypatch.chdir(tmp_path)
    Path("calls.jsonl").write_text("\n".join(json.dumps(call, ensure_ascii=False) for call in CALLS), "utf-8")
    assert cli.main(["analyse", "calls.jsonl", "--format", "json"]) == 0

    def search(*words: str, status: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert cli.main(["search", *words]) == status
        said = capsys.readouterr()
        return said.out, said.err

    return search


@pytest.mark.parametrize(
    "query",
    ['"[ANGRY]" AND "退货"', "[ANGRY] AND 退货", "愤怒 退货", "[愤怒] and 运费", "“愤怒” or 客户：退货", "沉默 退货"],
)
def test_a_query_is_taken_as_people_type_it(ask: Say, query: str) -> None:
    out, err = ask(query)
    assert "我要【退货】" in out or "退货" in out
    assert err == "1 sentences in 1 calls\n"


def test_words_that_a_shell_has_taken_apart_are_one_query(ask: Say) -> None:
    assert ask("[ANGRY]", "AND", "退货") == ask("[ANGRY] AND 退货")


def test_nothing_in_one_sentence_but_in_one_call_is_said(ask: Say) -> None:
    out, err = ask("[SAD] AND 退款")
    assert out == ""
    assert err.splitlines() == [
        "Nothing was found: [SAD] AND 退款",
        "  [SAD]: 1 sentences, 1 calls",
        "  退款: 1 sentences, 1 calls",
        "Stored: 2 calls, 2026-11-20 to 2026-11-21",
        "No sentence holds all of it, but 1 call does: add --in call",
    ]
    assert "c1" in ask("--in", "call", "[SAD] AND 退款")[0]


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("[ANGER] 退货", "Did you mean the tag [ANGRY]?"),
        ("[FEARFUL] 退货", "No stored sentence has the tag [FEARFUL]."),
        ("压单了吧", "Nobody says 压单了吧: try a shorter word"),
        ("退货 agent:A999", "No stored call fits agent:A999"),
        ("date:2026-12 退货", "No stored call fits date:2026-12"),
        ("发货 退货", "Leave a part away, or write OR between the parts."),
    ],
)
def test_a_search_without_a_hit_says_what_to_try(ask: Say, query: str, advice: str) -> None:
    out, err = ask(query)
    assert out == ""
    assert advice in err


def test_it_is_said_in_chinese_to_who_reads_chinese(ask: Say) -> None:
    _, err = ask("--locale", "zh", "[SAD] AND 退款")
    assert err.splitlines() == [
        "没有找到：[SAD] AND 退款",
        "  [SAD]：1句，1通电话",
        "  退款：1句，1通电话",
        "库里有2通电话，2026-11-20 至 2026-11-21",
        "没有一句话同时满足，但整通电话里同时有的有1通：请加上 --in call",
    ]


def test_json_and_counts_stay_what_programs_read(ask: Say) -> None:
    assert json.loads(ask("压单", "--format", "json")[0])["sentences"] == 0
    assert ask("压单", "--count")[0] == "0 sentences in 0 calls\n"
