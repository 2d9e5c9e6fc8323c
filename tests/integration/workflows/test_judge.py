"""The steps over a real store, with real rules and templates: nothing is done twice, nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from qareport import rules, settings
from qareport.asr import Transcriber, load
from qareport.errors import ConfigError
from qareport.model import AudioInfo, Call, FailedCall, ModelInfo, Role, Segment, Transcript
from qareport.store import Store
from qareport.workflows import judge, transcribe
from qareport.workflows.judge import RuleBook
from qareport.workflows.render import Rendering, render_orders
from qareport.workflows.transcribe import EngineTranscriber, TranscribedCall
from qareport.workflows.workspace import Workspace

CALLS = settings.bundled_calls()


def quiet(step: str, done: int, total: int) -> None:
    """Take no notice of progress."""


def make_transcript(call_id: str, text: str = "我昨天下的单，什么时候发货？") -> Transcript:
    return Transcript(
        call_id=call_id,
        order_id="o1",
        audio=AudioInfo(path="a.wav", sha256="00", duration_ms=20_000, sample_rate=8000, channels=2),
        model=ModelInfo(name="somewhere", revision="1"),
        segments=(
            Segment(start_ms=1000, end_ms=4000, role=Role.CUSTOMER, text=text),
            Segment(start_ms=9000, end_ms=12000, role=Role.AGENT, text="这边系统显示正常的。"),
        ),
    )


def items(*transcripts: Transcript) -> list[TranscribedCall]:
    return [
        TranscribedCall(
            call=Call(call_id=transcript.call_id, audio_path="a.wav", order_id=transcript.order_id),
            key=judge.transcript_key(transcript),
            transcript=transcript,
        )
        for transcript in transcripts
    ]


def rule_book(config: Path) -> RuleBook:
    return Workspace.open(config=config).rule_book


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    shutil.copytree(settings.default_dir("config"), folder)
    return folder


def render(url: str, tmp_path: Path, templates: Path | None = None) -> Rendering:
    with Workspace.open(store=url, templates=templates) as workspace:
        return render_orders(workspace, ["o1"], formats=["html"], out_dir=tmp_path / "reports", on_progress=quiet)


@pytest.fixture(scope="module")
def demo_transcriber() -> Transcriber:
    return load("demo", device="cpu", asr=settings.AsrSettings(), audio=settings.AudioSettings())


class Loader:
    """Counts how often a model is asked for."""

    def __init__(self, transcriber: Transcriber) -> None:
        self.times = 0
        self._transcriber = transcriber

    def __call__(self) -> EngineTranscriber:
        self.times += 1
        return EngineTranscriber(self._transcriber)


def listen(calls: Sequence[Call], store: Store, loader: Loader) -> transcribe.Transcription:
    return transcribe.transcribe_calls(calls, store, engine_key="e1", load_transcriber=loader, on_progress=quiet)


def test_a_recording_that_was_heard_is_not_heard_again_and_no_model_is_loaded_for_it(
    store: Store, demo_transcriber: Transcriber
) -> None:
    call = Call(call_id="c1", audio_path=str(next(CALLS.glob("*.flac"))))
    loader = Loader(demo_transcriber)
    first = listen([call], store, loader)
    again = listen([replace(call, order_id="o7")], store, loader)
    assert (first.reused, again.reused, loader.times) == (0, 1, 1)
    assert again.calls[0].transcript.segments == first.calls[0].transcript.segments
    assert again.calls[0].transcript.order_id == "o7", "what the manifest says today counts"


def test_another_channel_map_or_another_engine_hears_again(store: Store, demo_transcriber: Transcriber) -> None:
    call = Call(call_id="c1", audio_path=str(next(CALLS.glob("*.flac"))))
    loader = Loader(demo_transcriber)
    listen([call], store, loader)
    listen([replace(call, channel_roles=(Role.CUSTOMER,))], store, loader)
    transcribe.transcribe_calls([call], store, engine_key="e2", load_transcriber=loader, on_progress=quiet)
    assert loader.times == 3


def test_a_bad_recording_fails_alone_and_is_tried_again_when_it_is_mended(
    store: Store, tmp_path: Path, demo_transcriber: Transcriber
) -> None:
    good = next(CALLS.glob("*.flac"))
    path = tmp_path / "late.flac"
    path.write_bytes(good.read_bytes()[:40])
    calls = [Call(call_id="bad", audio_path=str(path), order_id="o1"), Call(call_id="good", audio_path=str(good))]
    loader = Loader(demo_transcriber)
    first = listen(calls, store, loader)
    assert [item.call.call_id for item in first.calls] == ["good"]
    assert [failure.call_id for failure in first.failures] == ["bad"]
    assert store.orders.get("o1").failures[0].reason == first.failures[0].reason
    path.write_bytes(next(CALLS.glob("*.wav")).read_bytes())
    assert [item.call.call_id for item in listen(calls, store, loader).calls] == ["bad", "good"]


def test_a_recording_that_cannot_be_decoded_is_not_tried_again_while_it_is_the_same(
    store: Store, tmp_path: Path, demo_transcriber: Transcriber
) -> None:
    path = tmp_path / "broken.ogg"
    path.write_bytes(b"not audio")
    call = Call(call_id="c1", audio_path=str(path))
    loader = Loader(demo_transcriber)
    first, again = (listen([call], store, loader) for _ in range(2))
    assert loader.times == 1
    assert [failure.reason for failure in again.failures] == [failure.reason for failure in first.failures]


def test_a_recording_that_is_gone_is_a_failed_call(store: Store, demo_transcriber: Transcriber) -> None:
    found = listen([Call(call_id="c", audio_path="/nowhere/x.wav")], store, Loader(demo_transcriber))
    assert "/nowhere/x.wav: cannot be read: No such file" in found.failures[0].reason


def test_a_changed_rule_changes_the_judgement_and_the_document(
    url: str, store: Store, tmp_path: Path, config: Path
) -> None:
    judge.judge_calls(items(make_transcript("c1")), store, rule_book(config), on_progress=quiet)
    assert store.orders.get("o1").reports[0].findings[0].rule_id == "logistics.shipping-doubt"
    first = render(url, tmp_path)
    rule_file = config / "rules" / "logistics.yaml"
    rule_file.write_text(rule_file.read_text("utf-8").replace("points: -10", "points: -33", 1), "utf-8")
    judge.judge_calls(items(make_transcript("c1")), store, rule_book(config), on_progress=quiet)
    assert store.orders.get("o1").reports[0].findings[0].points == -33
    second = render(url, tmp_path)
    assert (first.reused, second.reused) == (0, 0)
    assert "−33分" in second.documents[0].read_text("utf-8")


def data_version(watcher: sqlite3.Connection) -> int:
    """Return a number that changes whenever another connection has written to the database."""
    return int(watcher.execute("PRAGMA data_version").fetchone()[0])


def test_a_result_that_is_kept_is_not_written_again(store: Store, tmp_path: Path, config: Path) -> None:
    book = rule_book(config)
    judge.judge_calls(items(make_transcript("c1")), store, book, on_progress=quiet)
    with closing(sqlite3.connect(tmp_path / "store.db")) as watcher:
        before = data_version(watcher)
        done, failures = judge.judge_calls(items(make_transcript("c1")), store, book, on_progress=quiet)
        assert ([call.call_id for call in done], failures) == (["c1"], ())
        assert data_version(watcher) == before
        judge.judge_calls(items(make_transcript("c1", "你们是不是压单？")), store, book, on_progress=quiet)
        assert data_version(watcher) > before, "a new result is written"


def test_a_result_that_is_kept_becomes_the_newest_again_and_nothing_else_is_written(
    store: Store, tmp_path: Path, config: Path
) -> None:
    book, tables = rule_book(config), ("call_reports", "call_snapshots", "call_summaries")
    (item,) = items(make_transcript("c1"))
    judge.judge_calls([item], store, book, on_progress=quiet)
    first = store.orders.get("o1")
    store.calls.put_failure(item.call, FailedCall.of(item.call, "decode", "a disk that was full"))
    assert store.orders.get("o1").reports == ()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        for table in tables:
            connection.execute(
                f"CREATE TRIGGER watch_{table} BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'written'); END"
            )
        connection.commit()
    _, failures = judge.judge_calls([item], store, book, on_progress=quiet)
    assert failures == ()
    assert store.orders.get("o1") == first


def test_a_document_is_written_again_only_when_something_in_it_changed_or_it_is_gone(
    url: str, store: Store, tmp_path: Path, config: Path
) -> None:
    judge.judge_calls(items(make_transcript("c1")), store, rule_book(config), on_progress=quiet)
    (path,) = render(url, tmp_path).documents
    assert render(url, tmp_path).reused == 1
    path.unlink()
    assert render(url, tmp_path).reused == 0
    assert path.exists()
    templates = tmp_path / "templates"
    shutil.copytree(settings.default_dir("templates"), templates)
    css = templates / "call.css"
    css.write_text(css.read_text("utf-8") + "\n.mine { color: #123456; }\n", "utf-8")
    assert render(url, tmp_path, templates=templates).reused == 0
    assert "#123456" in path.read_text("utf-8")


def test_a_fault_in_one_call_is_reported_and_stops_no_other(
    store: Store, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unharmed = rules.judge

    def faulty(ruleset: rules.RuleSet, transcript: Transcript, *rest: object, **named: object) -> object:
        if transcript.call_id == "c1":
            raise ZeroDivisionError("a fault")
        return unharmed(ruleset, transcript, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rules, "judge", faulty)
    done, failures = judge.judge_calls(
        items(make_transcript("c1"), make_transcript("c2")), store, rule_book(config), on_progress=quiet
    )
    assert [call.call_id for call in done] == ["c2"]
    assert "unexpected ZeroDivisionError: a fault" in failures[0].reason
    assert [report.call_id for report in store.orders.get("o1").reports] == ["c2"]


def test_an_order_whose_only_call_failed_still_has_a_report_that_says_why(
    url: str, store: Store, tmp_path: Path
) -> None:
    call = Call(call_id="c1", audio_path="broken.ogg", order_id="o1")
    store.calls.put_failure(call, FailedCall.of(call, "decode", "broken.ogg: empty file"))
    (path,) = render(url, tmp_path).documents
    assert "broken.ogg: empty file" in path.read_text("utf-8")


def test_a_broken_template_is_a_problem_of_its_document_and_names_itself(
    url: str, store: Store, tmp_path: Path, config: Path
) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(settings.default_dir("templates"), templates)
    (templates / "call.html.j2").write_text("{% for %}", "utf-8")
    judge.judge_calls(items(make_transcript("c1")), store, rule_book(config), on_progress=quiet)
    rendering = render(url, tmp_path, templates=templates)
    assert rendering.documents == ()
    assert "call.html.j2" in str(rendering.problems[0][1])


def test_all_problems_of_a_configuration_are_told_at_once(config: Path) -> None:
    (config / "qareport.yaml").write_text("audio: {max_duration: 1}\n", "utf-8")
    (config / "rules" / "price.yaml").write_text("schema: 1\nrulez: []\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        rule_book(config)
    assert "qareport.yaml:1:" in str(caught.value)
    assert "price.yaml:2:1" in str(caught.value)
