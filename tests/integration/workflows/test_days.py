"""Days added up beforehand say what their calls say, whatever was done to these in the meantime."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from qareport import periods
from qareport.model import (
    Agents,
    AuditEntry,
    Call,
    CallReport,
    FailedCall,
    HeatMap,
    Period,
    PeriodKind,
    PeriodReport,
    Verdict,
    VerdictKind,
    quote_hash,
)
from qareport.settings import default_dir
from qareport.store import Store
from qareport.store.day_rollups import DayRollups
from qareport.store.heat_counts import HeatDay, add_up_heat
from qareport.store.search_schema import DayRollupRow
from qareport.workflows.judge import judge_call
from qareport.workflows.scoped_period import brief_of, heat_of, report_of, state_of
from qareport.workflows.workspace import Workspace
from tests.support.generated_centre import transcripts

ZONE = "Asia/Shanghai"
LAST = date(2026, 11, 21)
DAYS = 12
WHOLE = periods.range_of(LAST - timedelta(days=DAYS - 1), LAST, ZONE)
NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)
SOME = (Agents(), Agents(only=frozenset({"a0"})), Agents(only=frozenset({"a1", "a2", "nobody"})))


@pytest.fixture(scope="module")
def judged() -> list[CallReport]:
    """Judged calls of many kinds."""
    with Workspace.open(config=default_dir("config")) as workspace:
        book = workspace.rule_book
        return [
            judge_call(Call(call_id=call.call_id, audio_path="", started_at=call.started_at), call, book)
            for call in itertools.islice(transcripts(LAST, days=DAYS), 40)
        ]


@pytest.fixture
def workspace(store_url: str) -> Iterator[Workspace]:
    with Workspace.open(config=default_dir("config"), store=store_url, make_store=True) as opened:
        yield opened


@dataclass(slots=True)
class Changes:
    """Does to the calls of a store what may be done to them, by the fall of dice."""

    store: Store
    judged: list[CallReport]
    dice: random.Random
    keys: int = 0

    def put(self, name: str | None = None, *, started_at: datetime | None = None) -> None:
        """Put a call, or another result, another agent, order and time of one that is there."""
        self.keys += 1
        name = name or f"c{self.dice.randrange(25)}"
        midnight = periods.bounds(WHOLE)[0]
        call = Call(
            call_id=name, audio_path="", order_id=self.dice.choice(("o1", "o2", "o3", f"of-{name}", None)),
            agent_id=self.dice.choice(("a0", "a1", "a2", None)),
            started_at=started_at or midnight + timedelta(seconds=self.dice.randrange(DAYS * 86_400)),
        )  # fmt: skip
        report = self._report(call)
        summary = periods.summarise_call(report, call.order_id, rules_sha256="r") if self.dice.random() < 0.8 else None
        self.store.results.put(f"key-{self.keys}", call, report, rules_sha256="r", summary=summary)

    def _report(self, call: Call) -> CallReport:
        report = self.dice.choice(self.judged)
        return replace(report, call_id=call.call_id, agent_id=call.agent_id, started_at=call.started_at)

    def _any(self) -> Call | None:
        calls = self.store.calls.list(*periods.bounds(WHOLE))
        return self.dice.choice(calls) if calls else None

    def judge_anew(self) -> None:
        """Let other rules judge a call."""
        call = self._any()
        if call is not None and self.store.calls.has_result(call.call_id):
            self.keys += 1
            report = self._report(call)
            self.store.results.replace(call.call_id, f"key-{self.keys}", report, rules_sha256="s", snapshot="[]")

    def delete(self) -> None:
        """Delete a call."""
        if (call := self._any()) is not None:
            self.store.deletion.delete([call], by="call", selector=call.call_id, now=NOW)

    def fail(self) -> None:
        """Let a call fail that perhaps had a result."""
        if (call := self._any()) is not None:
            self.store.calls.put_failure(call, FailedCall.of(call, "decode", "empty file"))

    def review(self) -> None:
        """Reject a finding."""
        call = self._any()
        if call is None or not self.store.calls.has_result(call.call_id):
            return
        for finding in self.store.results.get(call.call_id).findings[:1]:
            verdict = Verdict(
                call_id=call.call_id, rule_id=finding.rule_id, at_ms=finding.at_ms, kind=VerdictKind.REJECTED,
                quote_sha256=quote_hash(finding), user_id=None, at=NOW, finding=finding,
            )  # fmt: skip
            entry = AuditEntry(at=NOW, actor="test", actor_kind="person", action="call.verdict")
            self.store.reviews.add(verdict, entry)

    def step(self) -> None:
        """Do any of these."""
        works = (self.put, self.judge_anew, self.delete, self.fail, self.review)
        self.dice.choices(works, (12, 3, 2, 1, 2))[0]()


def brief_part(report: PeriodReport) -> PeriodReport:
    """Return what a brief has of a report."""
    links = tuple(replace(link, previous=None) for link in report.weak_links)
    return replace(report, trend=(), agents=(), rules=(), outcomes=(), weak_links=links)


def heat_of_stage(workspace: Workspace, period: Period, agents: Agents, stage: str) -> HeatMap:
    """Count a stage's calls one by one."""
    found = workspace.store.summaries.list(*periods.bounds(period), summarise=periods.summarise_call, agents=agents)
    calls = [call for call in found if stage in call.stages]
    return periods.build_period(period, calls, (), (), workspace.settings.period).heat


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_days_added_up_say_what_their_calls_say(
    workspace: Workspace, judged: list[CallReport], seed: int
) -> None:
    changes = Changes(store=workspace.store, judged=judged, dice=random.Random(seed))
    for round_ in range(8):
        for _ in range(12 if round_ == 0 else 4):
            changes.step()
        day = periods.period_of(PeriodKind.DAY, LAST - timedelta(days=changes.dice.randrange(DAYS)), ZONE)
        for agents in SOME:
            assert brief_of(workspace, day, agents) == brief_part(report_of(workspace, day, agents))
            whole = report_of(workspace, WHOLE, agents).heat
            assert heat_of(workspace, WHOLE, agents) == whole
            for stage, calls in whole.total.stages[:2]:
                own = heat_of(workspace, WHOLE, agents, stage=stage)
                assert own == heat_of_stage(workspace, WHOLE, agents, stage)
                assert own.total.calls == calls
    with workspace.store.database.read() as session:
        assert session.scalar(select(func.count()).select_from(DayRollupRow)) > DAYS


def test_the_newest_call_judged_anew_makes_another_state_and_another_map(
    workspace: Workspace, judged: list[CallReport]
) -> None:
    changes = Changes(store=workspace.store, judged=judged[:1], dice=random.Random(1))
    changes.put("newest", started_at=periods.bounds(WHOLE)[0])
    day = periods.period_of(PeriodKind.DAY, WHOLE.first, ZONE)
    before, state = heat_of(workspace, WHOLE, Agents()), state_of(workspace, day)
    changes.judged = [next(report for report in judged if report.issues != judged[0].issues)]
    changes.judge_anew()
    assert state_of(workspace, day) != state
    assert heat_of(workspace, WHOLE, Agents()) != before
    assert heat_of(workspace, WHOLE, Agents()) == report_of(workspace, WHOLE, Agents()).heat


def test_a_call_that_comes_while_its_day_is_added_up_is_in_the_next_map(
    workspace: Workspace, judged: list[CallReport]
) -> None:
    changes = Changes(store=workspace.store, judged=judged, dice=random.Random(2))
    begin = periods.bounds(WHOLE)[0]
    changes.put("first", started_at=begin)
    rollups, came = DayRollups(workspace.store.database), []
    day_of = partial(periods.day_around, time_zone=ZONE)

    def add_up(session, day):  # type: ignore[no-untyped-def]
        made = add_up_heat(session, day)
        if not came:
            came.append(changes.put("second", started_at=begin))
        return made

    def calls() -> int:
        days = rollups.read(HeatDay, periods.bounds(WHOLE), day_of=day_of, add_up=add_up)
        return sum(sum(group.calls.values()) for _, day in days for group in day.groups)

    assert calls() == 1
    assert calls() == 2


def test_while_calls_come_in_no_map_loses_one_and_the_last_has_all(
    workspace: Workspace, judged: list[CallReport]
) -> None:
    writers, each = 3, 12
    store = workspace.store
    begin = periods.bounds(WHOLE)[0]
    done = threading.Event()
    counts: list[list[int]] = [[], []]

    def write(thread: int) -> None:
        changes = Changes(store=store, judged=judged, dice=random.Random(thread))
        for number in range(each):
            changes.keys = 1_000 * (thread + 1) + number
            changes.put(f"t{thread}-{number}", started_at=begin + timedelta(hours=number))

    def read(seen: list[int]) -> None:
        while not done.is_set():
            seen.append(heat_of(workspace, WHOLE, Agents()).total.calls)

    readers = [threading.Thread(target=read, args=(seen,)) for seen in counts]
    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in (*readers, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert all(seen == sorted(seen) for seen in counts)
    last = heat_of(workspace, WHOLE, Agents())
    assert last == report_of(workspace, WHOLE, Agents()).heat
    assert last.total.calls == writers * each


def test_of_a_deleted_call_no_day_stays_and_a_damaged_day_is_added_up_anew(
    workspace: Workspace, judged: list[CallReport]
) -> None:
    changes = Changes(store=workspace.store, judged=judged, dice=random.Random(3))
    for number in range(4):
        changes.put(f"d{number}", started_at=periods.bounds(WHOLE)[0] + timedelta(days=number))
    heat_of(workspace, WHOLE, Agents())
    with workspace.store.database.write() as session:
        rows = session.scalars(select(DayRollupRow).order_by(DayRollupRow.began)).all()
        assert len(rows) == 4
        rows[2].content = "{"
    assert heat_of(workspace, WHOLE, Agents()).total.calls == 4
    call = next(call for call in workspace.store.calls.list(*periods.bounds(WHOLE)) if call.call_id == "d1")
    workspace.store.deletion.delete([call], by="call", selector="d1", now=NOW)
    with workspace.store.database.read() as session:
        assert len(session.scalars(select(DayRollupRow)).all()) == 3
    assert heat_of(workspace, WHOLE, Agents()).total.calls == 3
