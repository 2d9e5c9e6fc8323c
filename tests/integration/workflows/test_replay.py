"""Rules and the store: replay, explain, cases from calls, hit counts, and the last good set when files are broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from qareport import rules
from qareport.cli import main
from qareport.cli.rules import write_replay
from qareport.errors import ConfigError
from qareport.model import Call, Segment, Transcript
from qareport.store import Store
from qareport.workflows import judge
from qareport.workflows.judge import RuleBook
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace
from tests.support.calls import AGENT, CUSTOMER, EXAMPLE, say
from tests.support.paths import ROOT

RULE = "logistics.shipping-doubt"
BEGAN = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
LATE = (
    say(1, 3, AGENT, "您好", acts="greet"),
    say(4, 6, CUSTOMER, "到底什么时候发货，我电话13812345678", acts="ask"),
    say(9, 11, AGENT, "今天"),
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


@pytest.fixture
def workspace(tmp_path: Path, config: Path) -> Iterator[Workspace]:
    url = f"sqlite:///{tmp_path / 'q.db'}"
    with Workspace.open(config=config, store=url, make_store=True) as opened:
        judge_into(opened.store, opened.rule_book_for_run)
    with Workspace.open(config=config, store=url) as opened:
        yield opened


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return workspace.store


def judge_into(store: Store, rule_book: RuleBook) -> None:
    """Judge the two calls of one order."""
    items = []
    talks: dict[str, tuple[Segment, ...]] = {"one": EXAMPLE.segments, "two": LATE}
    for day, (name, segments) in enumerate(talks.items()):
        call = Call(call_id=name, audio_path="", order_id="o1", agent_id="a1", started_at=BEGAN + timedelta(days=day))
        transcript = Transcript(
            call_id=name, order_id="o1", agent_id="a1", started_at=call.started_at, segments=segments
        )
        store.calls.put(call)
        items.append(TranscribedCall(call=call, key=name, transcript=transcript))
    _, failures = judge.judge_calls(items, store, rule_book, on_progress=lambda *_: None)
    assert failures == ()


def edit(config: Path, old: str, new: str) -> RuleBook:
    path = config / "rules" / "logistics.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return Workspace.open(config=config).rule_book


def run(store: Store, rule_book: RuleBook, against: rules.RuleSet | None = None) -> rules.Replay:
    return rules.replay(rule_book.ruleset, judge.stored_judgements(store), rule_book.settings.score, against=against)


def test_unedited_rules_change_nothing(store: Store, config: Path) -> None:
    result = run(store, Workspace.open(config=config).rule_book)
    assert (result.calls, result.changed_calls, result.gained, result.lost) == (2, 0, (), ())
    assert result.before == result.after


def test_an_edit_that_asks_for_less_gains_and_one_that_asks_for_more_loses(store: Store, config: Path) -> None:
    old = Workspace.open(config=config).rule_book.ruleset
    rule_book = edit(config, "silence: 2s", "silence: 4s")
    result = run(store, rule_book)
    assert [(hit.call_id, hit.rule_id, hit.at_ms) for hit in result.lost] == [("two", RULE, 4000)]
    assert result.gained == ()
    assert result.after > result.before  # type: ignore[operator]
    assert [(agent.agent_id, agent.calls) for agent in result.agents] == [("a1", 2)]
    assert run(store, rule_book, against=old).lost == tuple(replace(hit, quote=hit.quote) for hit in result.lost)


def test_a_replay_says_what_a_new_run_would_say(store: Store, config: Path) -> None:
    rule_book = edit(config, "points: -10", "points: -3")
    result = run(store, rule_book)
    judge_into(store, rule_book)
    scores = [report.score for report in store.orders.get("o1").reports]
    assert result.after == sum(score for score in scores if score is not None) / 2


def test_apply_makes_the_edit_count_and_keeps_the_old_hash(store: Store, config: Path) -> None:
    before = store.orders.get("o1")
    rule_book = edit(config, "silence: 2s", "silence: 4s")
    assert judge.apply(store, rule_book) == 2
    after = store.orders.get("o1")
    assert after.rules_sha256 == rule_book.ruleset.sha256 != before.rules_sha256
    assert RULE not in {finding.rule_id for finding in after.reports[1].findings}
    assert store.rule_sets.find(before.rules_sha256) is not None
    assert run(store, rule_book).changed_calls == 0
    assert judge.apply(store, rule_book) == 0


def test_a_replay_reads_in_three_forms(store: Store, config: Path) -> None:
    result = run(store, edit(config, "silence: 2s", "silence: 4s"))
    assert f"hits lost: 1 ({RULE} 1)" in write_replay(result, "text")
    assert json.loads(write_replay(result, "json"))["lost"][0]["call_id"] == "two"
    assert '<a href="o1.html">' in write_replay(result, "html")


@pytest.mark.parametrize(("language", "expected", "other"), [("zh", "命中", "hit"), ("en", "hit", "命中")])
def test_explain_speaks_the_language_that_is_asked_for(
    store: Store, config: Path, capsys: pytest.CaptureFixture[str], language: str, expected: str, other: str
) -> None:
    options = ["--config", str(config), "--store", store.url, "--locale", language]
    assert main([*options, "rules", "explain", "one", "--rule", RULE]) == 0
    printed = capsys.readouterr().out
    assert expected in printed
    assert other not in printed


def test_explain_draws_each_condition_with_seconds_and_values(store: Store, config: Path) -> None:
    rule_book = Workspace.open(config=config).rule_book
    context = judge.context_of(store, "two", rule_book)
    rule = rule_book.ruleset.find(RULE)
    assert rule is not None
    tree = "\n".join(rules.draw(rules.explain(rule, context)))
    assert f"{RULE} 发货疑问后的沉默: 命中 第 4 秒" in tree
    assert "✓ 沉默: 2秒, 谁说完后: 客户, 以内: 10秒" in tree
    assert "✗ 除非 客服说" in tree


def test_a_test_exported_from_a_call_is_masked_and_holds(store: Store, config: Path) -> None:
    rule_book = Workspace.open(config=config).rule_book
    rule = rule_book.ruleset.find(RULE)
    assert rule is not None
    transcript = judge.transcript_of(store.results.get("two"), "o1")
    text = "schema: 1\ncases:\n" + rules.export_rule_test(transcript, rule, rule_book.ruleset, rule_book.analyse)
    assert "13812345678" not in text
    assert "[电话]" in text
    (config / "rules" / "cut.test.yaml").write_text(text, encoding="utf-8")
    results = rules.run_rule_tests(rules.load(config / "rules"), rule_book.analyse)
    assert [result.failures for result in results if not result.passed] == []


def test_hit_counts_name_the_rules_that_never_fire(store: Store, config: Path) -> None:
    rule_book = Workspace.open(config=config).rule_book
    counts = rules.count_hits(rule_book.ruleset, judge.stored_judgements(store))
    assert counts.by_rule[RULE] == 2
    idle = [str(problem) for problem in counts.warnings(rule_book.ruleset)]
    assert any("service.abusive: hit none of the stored calls in 30 days" in line for line in idle)
    assert not any(RULE in line for line in idle)


def test_broken_rules_give_way_to_the_last_good_set_and_every_report_says_so(
    workspace: Workspace, store: Store, config: Path
) -> None:
    good = Workspace.open(config=config).rule_book.ruleset.sha256
    with pytest.raises(ConfigError):
        edit(config, "severity: major", "severity: mayor")
    rule_book = workspace.rule_book_for_run
    assert rule_book.ruleset.sha256 == good
    judge_into(store, rule_book)
    notes = [report.notes[0] for report in store.orders.get("o1").reports]
    assert {note.code for note in notes} == {"rules_last_good"}
    assert notes[0].values["rules_sha256"] == good
    assert "did you mean 'major'?" in notes[0].values["first"]


def test_broken_rules_without_a_good_set_are_an_error(tmp_path: Path, config: Path) -> None:
    with pytest.raises(ConfigError):
        edit(config, "severity: major", "severity: mayor")
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with Workspace.open(config=config, store=url, make_store=True) as empty, pytest.raises(ConfigError):
        empty.rule_book_for_run  # noqa: B018 - it is read for the first time


def test_the_third_call_of_an_order_is_known_by_the_earlier_ones(store: Store) -> None:
    third = Call(call_id="three", audio_path="", order_id="o1", started_at=BEGAN + timedelta(days=2))
    starts = store.calls.list_earlier_starts(third)
    assert starts == (BEGAN, BEGAN + timedelta(days=1))
