"""A run after one that finished the period makes nothing again, and notices whatever documents follow from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qareport import cli
from qareport.model import AuditEntry, DeliveryState, Verdict, VerdictKind, quote_hash
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.daily import Mode, Result, summary
from tests.support import dailies
from tests.support.centre import Centre

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def finished(centre: Centre) -> Centre:
    """A centre whose day is finished; its pages hold no sound, as those with sound are looked at each time."""
    centre.set("report", audio=False)
    centre.run()
    return centre


def made_anew(centre: Centre) -> list[bool]:
    """Return of each run whether it read the calls of the day, the first run first."""
    with Store(centre.url) as store:
        return [any(step.name == "gather" for step in run.steps) for run in reversed(store.runs.list())]


def documents_of(result: Result) -> list[Path]:
    return [path.resolve() for path in result.documents]


def test_a_run_after_the_finished_one_reads_no_call_and_reports_the_same(either_centre: Centre) -> None:
    either_centre.set("report", audio=False)
    (first,) = either_centre.run()
    (again,) = either_centre.run()
    assert made_anew(either_centre) == [True, False]
    assert documents_of(again) == documents_of(first)
    assert replace(again, documents=(), seconds=0) == replace(first, documents=(), seconds=0)
    assert summary(again).rpartition(" ")[0] == summary(first).rpartition(" ")[0]
    assert len(either_centre.postbox.delivered) == 4


def review(centre: Centre) -> None:
    with Store(centre.url) as store:
        call = store.results.get(dailies.transcript(0)["call_id"])
        finding = call.findings[0]
        verdict = Verdict(
            call_id=call.call_id, rule_id=finding.rule_id, at_ms=finding.at_ms, quote_sha256=quote_hash(finding),
            kind=VerdictKind.CONFIRMED, at=NOW, user_id=None, finding=finding,
        )  # fmt: skip
        store.reviews.add(verdict, AuditEntry(at=NOW, actor="a", actor_kind="person", action="review.verdict"))


def take_in(centre: Centre) -> None:
    path = dailies.write_transcripts(centre.folder / "more.jsonl", 9)
    cli.main(["analyse", str(path), "--format", "json", "--out", str(centre.folder / "more"), "--store", centre.url])


def delete(centre: Centre) -> None:
    assert not cli.main(["store", "delete", "--order", "20261121000000", "--yes", *centre.arguments])


def name_agents(centre: Centre) -> None:
    (centre.folder / "config" / "agents.yaml").write_text("agents: {A017: {name: 王芳}}\n", "utf-8")


def remove_document(centre: Centre) -> None:
    next(centre.out.rglob("日报*.html")).unlink()


def forget_mails(centre: Centre) -> None:
    with Store(centre.url) as store:
        store.outbox.decide(store.outbox.list()[0].key, DeliveryState.PLANNED, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        review,
        take_in,
        delete,
        name_agents,
        remove_document,
        forget_mails,
        lambda centre: centre.set("period", callbacks=3),
        lambda centre: centre.set("mail", team=["new@example.com"]),
        lambda centre: centre.set("daily", out=str(centre.folder / "elsewhere")),
    ],
    ids=["review", "new call", "deleted call", "agents", "no document", "mail", "settings", "recipients", "folder"],
)
def test_what_changed_is_noticed_by_the_next_run(finished: Centre, change: Callable[[Centre], None]) -> None:
    change(finished)
    finished.run()
    assert made_anew(finished) == [True, True]
    finished.run()
    assert made_anew(finished) == [True, True, False]


def test_a_document_that_was_edited_is_written_anew(finished: Centre) -> None:
    document = next(finished.out.rglob("日报*.html"))
    whole = document.read_bytes()
    document.write_bytes(whole.replace("日报".encode(), "周报".encode()))
    finished.run()
    assert document.read_bytes() == whole
    assert made_anew(finished) == [True, True]


def test_a_dry_run_writes_mails_after_a_finished_run_too(finished: Centre) -> None:
    (result,) = finished.run(Mode.DRY_RUN)
    assert len(result.letters) == 4
    assert made_anew(finished) == [True, True]


def test_other_templates_and_another_folder_on_the_command_line_are_noticed(
    finished: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = finished.folder / "templates"
    shutil.copytree(default_dir("templates"), templates)
    page = next(templates.rglob("*.html*"))
    monkeypatch.chdir(finished.folder)
    command = ["daily", "--send", "--date", dailies.DAY.isoformat(), *finished.arguments, "--templates", str(templates)]
    assert not cli.main(command)
    page.write_text(page.read_text("utf-8") + "\n", "utf-8")
    assert not cli.main(command)
    assert not cli.main([*command, "--out", str(finished.folder / "elsewhere")])
    assert made_anew(finished)[2:] == [True, True]
    assert list((finished.folder / "elsewhere").rglob("日报*.html"))


def test_pages_with_sound_are_looked_at_each_time_because_recordings_come_and_go(centre: Centre) -> None:
    centre.set("report", audio=True)
    centre.run()
    centre.run()
    assert made_anew(centre) == [True, True]


def test_nothing_that_is_kept_of_a_finished_day_names_its_orders(finished: Centre) -> None:
    with Store(finished.url) as store, store.database.read() as session:
        query = "SELECT kind, content FROM day_rollups WHERE kind = 'FinishedPeriod'"
        ((_, content),) = session.connection().exec_driver_sql(query).all()
    assert content
    assert "20261121" not in str(content)
