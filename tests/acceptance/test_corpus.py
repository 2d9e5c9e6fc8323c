"""The labelled calls follow the guide, and the check of them can fail."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from corpus.agreement import compare, first_labels, kappa, second_labels
from corpus.check import ACTS, FAULTS, KINDS, TOPICS, check, exchange_problems, problems
from corpus.convert import convert, read
from corpus.pairs import MarkedCall, MarkedPair, marked_batches
from corpus.pairs import check as check_pairs
from corpus.pairs import problems as pair_problems
from corpus.public_dialogues import (
    DEVELOPMENT,
    FRESH,
    HELD_OUT,
    MOMENTS_ALONE,
    MORE,
    POSTS,
    case_of,
    read_dialogues,
    read_labels,
)
from tests.support.paths import ROOT

BATCHES = sorted((ROOT / "corpus" / "calls").glob("*.jsonl"))
EXCHANGES = sorted((ROOT / "corpus" / "exchanges").glob("*.txt"))
CALL: dict[str, Any] = json.loads(BATCHES[-1].read_text("utf-8").splitlines()[0])


@pytest.mark.parametrize("path", BATCHES, ids=lambda path: path.stem)
def test_every_call_of_a_batch_follows_the_guide(path: Path) -> None:
    assert check(path) == []


@pytest.mark.parametrize("batch", marked_batches())
def test_the_marks_of_pairs_follow_their_guide(batch: str) -> None:
    assert check_pairs(batch) == []


@pytest.mark.parametrize(
    ("solved", "question", "answer", "says"),
    [
        ("yes", {9999}, {1}, "there is no sentence 9999"),
        ("no", {1}, {2}, "not solved, and yet it has pairs"),
        ("maybe", {1}, {2}, "what is in a call that may be solved is optional"),
        ("yes", {2}, {2}, "sentence 2 is not the customer's"),
    ],
)
def test_marks_that_break_the_guide_are_named(solved: str, question: set[int], answer: set[int], says: str) -> None:
    pair = MarkedPair(frozenset(question), frozenset(answer), frozenset())
    call = {"segments": [[0, 1, "customer", "能退吗"], [1, 2, "agent", "能"]]}
    assert says in list(pair_problems(MarkedCall("X01", solved, (pair,)), call))


def test_no_call_is_in_two_batches() -> None:
    ids = [json.loads(line)["id"] for path in BATCHES for line in path.read_text("utf-8").splitlines()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda call: call["segments"][0].__setitem__(2, "boss"), "role 'boss'"),
        (lambda call: call["segments"][0].__setitem__(6, ["sing"]), "acts ['sing']"),
        (lambda call: call["segments"][0].__setitem__(1, -1.0), "segment 1: from"),
        (lambda call: call["truth"]["moments"].append(["irony", 12345.0]), "no segment begins there"),
        (lambda call: call["truth"]["topics"].append("天气"), "topic '天气'"),
        (lambda call: call["truth"]["masked"].append("13900000000000"), "is in no segment"),
        (lambda call: call["truth"].pop("risk"), "truth lacks risk"),
        (lambda call: call["truth"].__setitem__("risk", ["huge"]), "risk ['huge']"),
    ],
)
def test_a_call_that_breaks_the_guide_is_named(change: Any, says: str) -> None:
    call = copy.deepcopy(CALL)
    assert list(problems(call)) == []
    change(call)
    assert any(says in problem for problem in problems(call))


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_every_exchange_follows_the_guide(path: Path) -> None:
    assert check(path) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("## 1\nc ask: 发了没\na evade: 在的亲\n## 1\nc ask: 到了没\na hold: 稍等\n", "exchange 1 is there twice"),
        ("## 1\n## 2\nc ask: 发了没\n", "exchange 1: nobody says anything"),
        ("## 1\nc ask: 发了没\nx what is this\n", "is no line of an exchange"),
        ("## 1\nc evade: 发了没\na hold: 稍等\n", "act 'evade' of the customer"),
        ("## 1\nc ask CROSS: 发了没\na hold: 稍等\n", "emotion 'CROSS'"),
        ("## 1\nc ANGRY: 发了没\na hold: 稍等\n", "a line without an act"),
        ("c ask: 发了没\n## 1\nc ask: 到了没\na hold: 稍等\n", "belongs to no exchange"),
        ("".join(f"## {n}\nc ask: 我那箱橘子发了没\na hold: 稍等{n}\n" for n in "123"), "exchanges 1, 2, 3"),
        ("## 1\nc ask: 我那箱橘子发了没\na hold: 等\nc ask: 我那箱橘子发了没\nc ask: 我那箱橘子发了没\n", "1, 1, 1"),
    ],
)  # fmt: skip
def test_exchanges_that_break_the_guide_are_named(text: str, says: str) -> None:
    assert any(says in problem for problem in exchange_problems(text))


def test_a_sentence_may_come_again_in_the_other_half_of_a_pair() -> None:
    pair = "".join(f"## {n}\nc {act}: 亲亲在路上了哦哦\na hold: 稍等\n" for n, act in ((1, "ask"), (2, "small")))
    assert list(exchange_problems(pair)) == []


@pytest.mark.parametrize("name", [DEVELOPMENT, HELD_OUT, FRESH, MORE, POSTS])
def test_labels_on_public_dialogues_are_those_of_the_guide_and_quote_nothing(name: str) -> None:
    for labels in read_labels(name):
        turns = range(1, len(labels["turns"]) + 1)
        is_piece = labels["id"].startswith("jddc-piece:")
        assert set(labels) - ({"cuts"} if is_piece else set()) == {
            "id", "turns", "moments", "optional", "topics", "topics_optional", "promises", "promises_optional",
            "faults", "risk",
        }  # fmt: skip
        assert re.fullmatch(r"jddc:[0-9a-f-]{12}|jddc-piece:[0-9a-f]{12}|stc(?:-test)?:[0-9]+|ecd:[0-9]+", labels["id"])
        assert all(
            (acts or name in MOMENTS_ALONE) and (ACTS["customer"].issuperset(acts) or ACTS["agent"].issuperset(acts))
            for acts in labels["turns"]
        )
        marked = [*labels["moments"], *labels["optional"]]
        assert all(kind in KINDS and turn in turns for kind, turn in marked)
        assert TOPICS.issuperset([*labels["topics"], *labels["topics_optional"]])
        assert all(turn in turns and fault in FAULTS for turn, fault in labels["faults"])
        promises = [*labels["promises"], *labels["promises_optional"]]
        assert all(turn in turns and not any(map(str.isdigit, action)) for turn, action in promises)
        assert labels["risk"]
        assert {"high", "medium", "low"}.issuperset(labels["risk"])


def test_pieces_are_cut_into_the_turns_that_are_labelled() -> None:
    pieces = [labels for labels in read_labels(FRESH) if labels["id"].startswith("jddc-piece:")]
    assert len(pieces) == 120
    for labels in pieces:
        assert labels["cuts"][0] > 1
        assert labels["cuts"] == sorted(set(labels["cuts"]))
        # The turns of a piece: one before the first cut, one after each, and the agent's last, which is a file apart.
        assert len(labels["cuts"]) + 2 == len(labels["turns"])
        assert all(
            ACTS[("customer", "agent")[place % 2]].issuperset(acts) for place, acts in enumerate(labels["turns"])
        )


def test_no_public_dialogue_is_in_two_sets() -> None:
    ids = [labels["id"] for name in (DEVELOPMENT, HELD_OUT, FRESH, MORE, POSTS) for labels in read_labels(name)]
    assert len(ids) == len(set(ids))


def test_public_dialogues_are_read_as_they_are_published(tmp_path: Path) -> None:
    rows = [("s" * 32, 0, "在吗"), ("s" * 32, 0, "发了没"), ("s" * 32, 1, " 在的 "), ("t" * 32, 0, "你好")]
    lines = [f"{session}\tUSER\t{by}\t0\t0\tnan\t{text}" for session, by, text in rows]
    (tmp_path / "chat_0.1per.txt").write_text("\n".join(lines) + "\n", "utf-8")
    turns = [{"sender": "customer", "utterances": ["断网了", "急"]}, {"sender": "helpdesk", "utterances": ["已记录"]}]
    (tmp_path / "train_data_cn.json").write_text(json.dumps([{"id": 7, "turns": turns}]), "utf-8")
    (tmp_path / "test_data_cn.json").write_text(json.dumps([{"id": 8, "turns": turns[:1]}]), "utf-8")
    (tmp_path / "test").write_text("0\t别的\t话\n1\t有 货 吗\t有 的\t好\t好 的 哦\n", "utf-8")
    (tmp_path / "train.enc").write_text("在吗,发了没,在的,亲,急,稍等,快点,\n别的,\n", "utf-8")
    (tmp_path / "train.dec").write_text("发了,放心,\n话,\n", "utf-8")
    for name in ("test.enc", "test.dec"):
        (tmp_path / name).write_text("", "utf-8")
    piece = "jddc-piece:" + hashlib.sha256("在吗,发了没,在的,亲,急,稍等,快点,\n发了,放心,".encode()).hexdigest()[:12]
    wanted: list[dict[str, Any]] = [
        {"id": piece, "cuts": [3, 5, 6, 7]},
        *({"id": f"{source}:7"} for source in ("jddc", "stc", "stc-test", "ecd")),
    ]
    dialogues = read_dialogues(tmp_path, wanted)
    assert dialogues == {
        piece: [
            ("customer", "在吗 发了没"), ("agent", "在的 亲"), ("customer", "急"), ("agent", "稍等"),
            ("customer", "快点"), ("agent", "发了,放心"),
        ],
        "jddc:" + "s" * 12: [("customer", "在吗 发了没"), ("agent", "在的")],
        "jddc:" + "t" * 12: [("customer", "你好")],
        "stc:7": [("customer", "断网了 急"), ("agent", "已记录")],
        "stc-test:8": [("customer", "断网了 急")],
        "ecd:1": [("customer", "有货吗"), ("agent", "有的"), ("customer", "好"), ("agent", "好的哦")],
    }  # fmt: skip
    # Only the files of what is labelled are needed.
    (tmp_path / "test").unlink()
    assert set(read_dialogues(tmp_path, wanted[2:3])) == {"stc:7"}
    with pytest.raises(FileNotFoundError):
        read_dialogues(tmp_path, wanted)
    labels = {
        "id": "stc:7", "turns": [["complain"], ["evade"]], "moments": [["no_answer", 2]], "optional": [],
        "topics": [], "topics_optional": [], "faults": [[2, "未正面回应"]], "risk": ["medium"],
    }  # fmt: skip
    case = case_of(labels, dialogues["stc:7"])
    assert case["truth"]["moments"] == [["no_answer", case["segments"][1][0]]]
    assert case["truth"]["agent_ok"] is False
    with pytest.raises(ValueError, match="stc:7: 1 turns, 2 are labelled"):
        case_of(labels, dialogues["stc:7"][:1])


def test_the_example_of_how_calls_are_written_converts_and_follows_the_guide() -> None:
    page = (ROOT / "corpus" / "writing.md").read_text("utf-8")
    (draft,) = read(page.split("```text\n")[1].split("```")[0].splitlines())
    assert not isinstance(draft, str)
    call = convert(draft)
    assert list(problems(call)) == []
    silence, irony = call["truth"]["moments"]
    assert (silence[0], irony[0], call["truth"]["optional"][0][0]) == ("silence", "irony", "repeat")
    assert call["segments"][5][4:] == ["ANGRY", ["Speech", "Laughter"], ["sarcasm"]]
    assert call["segments"][3][0] - call["segments"][2][1] == pytest.approx(6.0)
    assert call == convert(draft)


def test_a_line_that_is_not_understood_is_named() -> None:
    draft, *_ = read(["## X1 note", "x what is this"])
    assert draft == "line 2 is not understood: x what is this"


def test_kappa_is_that_of_the_textbook() -> None:
    # Observed agreement 0.7, expected 0.5: Cohen (1960) gives 0.4.
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)


def test_a_labeller_agrees_with_himself_and_not_with_one_who_sees_nothing() -> None:
    calls = [json.loads(line) for line in (ROOT / "corpus" / "calls" / "R.jsonl").read_text("utf-8").splitlines()]
    roles = [[segment[2] for segment in call["segments"]] for call in calls]
    labels = [first_labels(call) for call in calls]
    same = compare(list(zip(labels, labels, strict=True)), roles)
    assert {value["f1"] for value in same["moments_f1"].values()} == {1.0}
    assert set(same["acts_kappa"].values()) == {1.0}
    blind = [second_labels([f"## {call['id']}", "s 0 low"], {})[call["id"]] for call in calls]
    other = compare(list(zip(labels, blind, strict=True)), roles)
    assert {value["f1"] for value in other["moments_f1"].values()} == {0.0}
    assert other["agent_ok_kappa"] == 0


def test_a_mark_that_one_made_optional_is_a_difference_only_in_the_strict_figure() -> None:
    roles = ["customer", "agent", "customer"]
    first, second = (
        second_labels(["## X1", *lines, "s 0 low"], {"X1": roles})["X1"]
        for lines in (["1 ask", "2 evade", "3 ask_again"], ["1 ask", "2 evade?", "3 ask_again"])
    )
    moments = compare([(first, second), (first, first)], [roles, roles])["moments_f1"]
    assert moments["repeat"] == {"f1": 1.0, "f1_strict": 1.0, "both": 2, "one_alone": 0, "one_optional": 0}
    # One mark of both, one of one alone: 2 · 1 / (2 · 1 + 1).
    assert moments["no_answer"] == {"f1": 1.0, "f1_strict": 0.67, "both": 1, "one_alone": 0, "one_optional": 1}


def test_the_page_counts_what_is_there() -> None:
    page = (ROOT / "corpus" / "README.md").read_text("utf-8")
    batches = {path.stem: len(path.read_text("utf-8").splitlines()) for path in BATCHES}
    rows = re.findall(r"^\| ((?:[A-Z]{1,2} ?)+) \| (\d+) \|", page, re.MULTILINE)
    assert sorted(name for names, _ in rows for name in names.split()) == sorted(batches)
    assert {names: int(count) for names, count in rows} == {
        names: sum(batches[name] for name in names.split()) for names, _ in rows
    }
    exchanges = {path.name: path.read_text("utf-8").count("## ") for path in EXCHANGES}
    assert dict(re.findall(r"^\| `(\w+\.txt)` \| (\d+) \|", page, re.MULTILINE)) == {
        name: str(count) for name, count in exchanges.items()
    }
    public = {name: len(read_labels(name)) for name in (DEVELOPMENT, HELD_OUT, FRESH, MORE, POSTS)}
    assert f"on {sum(public.values())} published dialogues" in page
    for name, count in public.items():
        assert f"| `{name}.jsonl` | {count}: " in page


def test_batches_that_are_held_out_or_rewritten_exist_and_are_told() -> None:
    page = (ROOT / "corpus" / "README.md").read_text("utf-8")
    held_out, rewritten = (
        (ROOT / "corpus" / name).read_text("utf-8").split() for name in ("held_out.txt", "rewritten.txt")
    )
    assert {*held_out, *rewritten} <= {path.stem for path in BATCHES}
    assert f"{', '.join(held_out[:-1])} and {held_out[-1]}" in page
    told = re.findall(r"^\| ((?:[A-Z]{1,2} ?)+) \| \d+ \| (?:rewritten|real public)", page, re.MULTILINE)
    assert sorted(name for names in told for name in names.split()) == sorted(rewritten)


def test_every_second_labelling_is_of_a_batch_and_of_all_its_lines() -> None:
    for path in sorted((ROOT / "corpus" / "second").glob("*.txt")):
        calls = [
            json.loads(line) for line in (ROOT / "corpus/calls" / f"{path.stem}.jsonl").read_text("utf-8").splitlines()
        ]
        roles = {call["id"]: [segment[2] for segment in call["segments"]] for call in calls}
        second = second_labels(path.read_text("utf-8").splitlines(), roles)
        assert {name: sorted(labels.acts) for name, labels in second.items()} == {
            name: list(range(1, len(who) + 1)) for name, who in roles.items()
        }
