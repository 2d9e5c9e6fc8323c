"""Order reports from a real store: what is added to them there, and documents made several at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from qareport import codec, periods, report, settings
from qareport.errors import NotFoundError
from qareport.model import Agent, Call, CallReport, Roster
from qareport.report.formats.pdf import Printers
from qareport.store import Store
from qareport.workflows.render import Rendering, assemble_order, render_orders
from qareport.workflows.scoped_period import Norms
from qareport.workflows.workspace import Workspace
from tests.support import report_samples as samples
from tests.support.documents import TEXT

TEMPLATES = settings.default_dir("templates")


def quiet(*_: object) -> None:
    """Report progress to nobody."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(store=f"sqlite:///{tmp_path / 'store.db'}", templates=TEMPLATES, make_store=True) as opened:
        yield opened


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return workspace.store


def keep(store: Store, call: CallReport, order_id: str | None) -> None:
    """Put a judged call into the store."""
    about = Call(call_id=call.call_id, audio_path="a.wav", order_id=order_id, started_at=call.started_at)
    kept = periods.summarise_call(call, order_id)
    store.results.put(f"key-{call.call_id}", about, call, rules_sha256="r1", summary=kept)


def call(number: int, days: int, first_response_ms: int) -> CallReport:
    assert samples.RICH_CALL.started_at is not None
    return replace(
        samples.RICH_CALL,
        call_id=f"c{number}",
        started_at=samples.RICH_CALL.started_at + timedelta(days=days),
        metrics=replace(samples.RICH_CALL.metrics, first_response_ms=first_response_ms),
    )


def render(workspace: Workspace, out: Path, names: list[str], formats: tuple[str, ...], workers: int) -> Rendering:
    return render_orders(workspace, names, formats=formats, out_dir=out, workers=workers, on_progress=quiet)


def test_norm_is_that_of_the_days_before_the_latest_call(store: Store) -> None:
    for number, (days, delay) in enumerate([(-8, 9_000), (-7, 1_000), (-3, 2_000), (-1, 6_000), (0, 500)]):
        keep(store, call(number, days, delay), f"o{number}")
    made = assemble_order(store, "o4")
    assert made.norm is not None
    assert (made.norm.first, made.norm.last, made.norm.calls) == (date(2026, 11, 14), date(2026, 11, 20), 3)
    assert made.norm.metrics["first_response_ms"].median == 2_000
    assert made.measures["c4"]["first_response_ms"] == 500


def test_norm_of_calls_that_were_read_already_is_the_one_that_the_store_tells(store: Store) -> None:
    for number, (days, delay) in enumerate([(-8, 9_000), (-7, 1_000), (-3, 2_000), (0, 500)]):
        keep(store, call(number, days, delay), f"o{number}")
    period, latest = settings.PeriodSettings(), call(3, 0, 500).started_at
    assert latest is not None
    month = latest - timedelta(days=30), latest + timedelta(days=2)
    for days in (0, -8):  # a day with calls before it, and the first
        day = latest.date() + timedelta(days=days)
        known, read = Norms(store, period), Norms(store, period)
        known.know(day, store.summaries.list(*month, summarise=periods.summarise_call))
        assert known._known == {day: read.before(day)}


def test_norm_of_the_first_day_is_that_of_the_day_itself(store: Store) -> None:
    keep(store, call(1, 0, 1_000), "o1")
    keep(store, call(2, 0, 3_000), "o2")
    made = assemble_order(store, "o1")
    assert made.norm is not None
    assert (made.norm.first, made.norm.calls) == (date(2026, 11, 21), 2)


def test_order_whose_calls_have_no_time_is_compared_with_nobody(store: Store) -> None:
    keep(store, replace(call(1, 0, 1_000), started_at=None), "o1")
    made = assemble_order(store, "o1")
    assert made.norm is None
    page = report.render(made, "html", templates=None, settings=settings.ReportSettings()).decode("utf-8")
    assert "此前几天没有可比的通话，没有与团队比较。" in page


@pytest.mark.parametrize("form", ["docx", "html"])
def test_agents_are_named_in_the_documents_of_an_order(store: Store, form: str) -> None:
    keep(store, call(1, 0, 1_000), "o1")
    roster = Roster((Agent(id="A017", name="王芳", group="物流组"), Agent(id="A099", name="李敏")))
    made = assemble_order(store, "o1", roster=roster)
    assert [person.id for person in made.people] == ["A017"]
    text = TEXT[form](report.render(made, form, templates=None, settings=settings.ReportSettings()))
    assert "客服王芳（A017）给客户回电" in text
    assert text.count("王芳（A017）") > 1
    assert "李敏" not in text
    assert "王芳" not in TEXT[form](
        report.render(assemble_order(store, "o1"), form, templates=None, settings=settings.ReportSettings())
    )


def test_dossier_and_norm_travel_through_json(store: Store) -> None:
    keep(store, call(1, 0, 1_000), "o1")
    keep(store, call(2, 3, 1_000), "o1")
    made = assemble_order(store, "o1")
    assert made.dossier is not None
    assert [change.call_id for change in made.dossier.changes] == ["c2"]
    assert codec.read_report(codec.to_json(made), where="o1.json") == made
    old = codec.to_data(made)
    for name in ("dossier", "norm", "measures"):
        del old[name]
    read = codec.from_json(type(made), json.dumps(old), where="old.json")
    assert (read.dossier, read.norm, dict(read.measures)) == (None, None, {})
    page = report.render(read, "html", templates=None, settings=settings.ReportSettings()).decode("utf-8")
    assert "这份结果没有汇总承诺。" in page


def test_several_at_a_time_are_the_same_documents_in_the_same_order(
    workspace: Workspace, store: Store, tmp_path: Path
) -> None:
    names = [f"o{number}" for number in range(3)]
    for number in range(3):
        keep(store, call(number, number, 1_000 * number), names[number])
    single = render(workspace, tmp_path / "one", names, ("pdf", "html"), 1)
    three = render(workspace, tmp_path / "three", names, ("pdf", "html"), 3)
    assert [path.name for path in three.documents] == [path.name for path in single.documents]
    assert [path.read_bytes() for path in three.documents] == [path.read_bytes() for path in single.documents]
    assert (single.problems, three.problems, three.reused) == ((), (), 0)
    assert render(workspace, tmp_path / "three", names, ("pdf", "html"), 3).reused == 6


def test_document_that_cannot_be_written_stops_no_other_one(workspace: Workspace, store: Store, tmp_path: Path) -> None:
    names = [f"o{number}" for number in range(4)]
    for number in range(4):
        keep(store, call(number, number, 1_000), names[number])
    (tmp_path / "out" / "o1.html").mkdir(parents=True)
    done = render(workspace, tmp_path / "out", names, ("html", "docx"), 2)
    assert [name for name, _ in done.problems] == ["o1 html"]
    assert "cannot be written" in str(done.problems[0][1])
    assert len(done.documents) == 7


def test_a_broken_template_keeps_no_other_format_back(workspace: Workspace, store: Store, tmp_path: Path) -> None:
    keep(store, call(1, 0, 1_000), "o1")
    templates = Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))
    (templates / "call.docx").write_bytes(b"no Word document")
    with Workspace.open(store=workspace.store_url, templates=templates) as other:
        done = render(other, tmp_path / "out", ["o1"], ("docx", "html", "json"), 1)
    assert [name for name, _ in done.problems] == ["o1 docx"]
    assert [path.name for path in done.documents] == ["o1.html", "o1.json"]


def test_documents_may_be_made_in_threads_of_the_caller(workspace: Workspace, store: Store, tmp_path: Path) -> None:
    keep(store, call(1, 0, 1_000), "o1")
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as mine:
        done = render_orders(workspace, ["o1"], formats=["html"], out_dir=tmp_path, on_progress=quiet, executor=mine)
        assert [path.name for path in done.documents] == ["o1.html"]
        assert mine.submit(lambda: True).result(), "they are still there for others"


def test_unknown_order_is_an_error(workspace: Workspace, store: Store, tmp_path: Path) -> None:
    keep(store, call(1, 0, 1_000), "o1")
    with pytest.raises(NotFoundError, match="no order or call 'nobody'"):
        render(workspace, tmp_path, ["o1", "nobody"], ("html",), 2)


def test_pages_printed_at_a_time_are_not_mixed_up() -> None:
    printers = Printers()
    pages = [f"<html lang=en><title>page {number}</title><p>{number} " * 3 for number in range(8)]
    try:
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(printers.print, pages))
        assert together == [printers.print(page) for page in pages]
        assert len(set(together)) == 8
        assert 1 <= len(printers._idle) <= 3
    finally:
        printers.close()


def test_an_order_and_a_call_without_order_that_is_named_like_it_have_a_document_each(
    workspace: Workspace, store: Store, tmp_path: Path
) -> None:
    keep(store, replace(call(1, 0, 900), call_id="X"), None)
    keep(store, call(2, 0, 900), "X")
    rendering = render(workspace, tmp_path / "out", ["X"], ("json",), 1)
    assert rendering.problems == ()
    named = {
        path.name: codec.read_report(path.read_bytes(), where=path.name).calls[0].call_id
        for path in rendering.documents
    }
    assert named.pop("X.json") == "c2"
    assert list(named.values()) == ["X"]
    again = render(workspace, tmp_path / "out", ["X"], ("json",), 1)
    assert (len(again.documents), again.reused) == (2, 2)


def test_orders_whose_safe_names_are_alike_have_files_of_their_own(
    workspace: Workspace, store: Store, tmp_path: Path
) -> None:
    names = ["x y", "x_y-887fcea6", "x_y"]
    for number, name in enumerate(names):
        keep(store, call(number, 0, 900), name)
    rendering = render(workspace, tmp_path / "out", names, ("json",), 1)
    assert len(set(rendering.documents)) == len(names)
