"""Uploaded recordings: kept once by content, heard once, told line by line, and lost by no kill."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from qareport import messages, settings
from qareport.audio import trial_decode
from qareport.audio.containers import sha256_of
from qareport.audio.tracks import SoundLimit
from qareport.errors import AudioError, StoreError
from qareport.model import (
    AudioInfo,
    Call,
    FailedCall,
    Job,
    JobKind,
    JobState,
    LiveCall,
    LiveState,
    ModelInfo,
    Role,
    Segment,
    Transcript,
)
from qareport.workflows import hear_uploads
from qareport.workflows.hear_uploads import UploadWorker
from qareport.workflows.live.merging import settle
from qareport.workflows.uploads import UploadFolder, UploadRefusedError
from qareport.workflows.workspace import Workspace
from tests.support.recordings import cut_recording
from tests.support.serving import wait_for

NOW = datetime.now(UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    config = settings.default_dir("config")
    url = f"sqlite:///{tmp_path / 'q.db'}"
    with Workspace.open(config=config, store=url, model="demo", device="cpu", make_store=True) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> UploadFolder:
    return UploadFolder(path=tmp_path / "uploads", most_bytes=10_000)


def take_in(folder: UploadFolder, *pieces: bytes) -> tuple[Path, str]:
    with folder.open(".WAV") as receiving:
        for piece in pieces:
            receiving.write(piece)
        return receiving.keep()


def add(workspace: Workspace, path: Path, call_id: str = "u1", **facts: object) -> Job:
    payload = {"call_id": call_id, "path": str(path), "file_name": path.name} | facts
    return workspace.store.jobs.add(JobKind.UPLOAD, payload, at=NOW)


def take(workspace: Workspace, owner: str = "w", *, at: datetime = NOW) -> Job | None:
    return workspace.store.jobs.take([JobKind.UPLOAD], owner, at=at)


class TwoLines:
    """An engine that hears the same two sentences in every recording."""

    info = ModelInfo(name="fixed", revision="1")

    def __init__(self, *, before_second: Callable[[], None] = lambda: None) -> None:
        self._before_second = before_second
        self.heard: list[str] = []

    def transcribe(self, calls: object, *, on_progress: object = None) -> Iterator[Transcript | FailedCall]:
        raise NotImplementedError

    def transcribe_aloud(self, call: Call, *, on_lines: Callable[[Sequence[Segment]], None]) -> Transcript | FailedCall:
        self.heard.append(call.call_id)
        first = Segment(start_ms=0, end_ms=900, text="我的电话是13812345678。")
        second = Segment(start_ms=1000, end_ms=1900, text="什么时候发货？")
        on_lines([first])
        self._before_second()
        on_lines([second])
        audio = AudioInfo(
            path=call.audio_path,
            sha256=sha256_of(call.audio_path),
            duration_ms=2000,
            sample_rate=8000,
            channels=1,
        )
        return Transcript(call_id=call.call_id, segments=(first, second), model=self.info, audio=audio)

    def in_language(self, language: str) -> TwoLines:
        return self


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_once_under_the_hash_of_its_content(folder: UploadFolder) -> None:
    first, second = take_in(folder, b"ab", b"c"), take_in(folder, b"abc")
    assert first == second
    assert [path.name for path in folder.path.iterdir()] == [f"{first[1]}.wav"]
    assert first[0].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("pieces", "code"), [((), "empty"), ((b"",), "empty"), ((b"x" * 6_000, b"x" * 6_000), "too_large")]
)
def test_what_is_not_taken_in_leaves_nothing_behind(folder: UploadFolder, pieces: Sequence[bytes], code: str) -> None:
    with pytest.raises(UploadRefusedError) as raised:
        take_in(folder, *pieces)
    assert raised.value.code == code
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["/../../x", ".w/v", ".muchtoolong", ""])
def test_no_name_of_a_file_leads_out_of_the_folder(folder: UploadFolder, suffix: str) -> None:
    with folder.open(suffix) as receiving:
        receiving.write(b"abc")
        path, sha256 = receiving.keep()
    assert path == folder.path / sha256


# --- the worker -------------------------------------------------------------------------------------------------------


def test_a_recording_becomes_a_judged_call_with_its_lines(workspace: Workspace, tmp_path: Path) -> None:
    path = cut_recording(tmp_path / "a.wav")
    add(workspace, path, order_id="o1", agent_id="A1", external_ref="T-42")
    job = take(workspace)
    assert job is not None
    worker = UploadWorker(workspace, TwoLines(), owner="w")
    worker.work_on(job)
    done = workspace.store.jobs.get(job.job_id)
    assert (done.state, done.progress["call_id"]) == (JobState.DONE, "u1")
    assert workspace.store.calls.find_external_ref("u1") == "T-42"
    assert [line["text"] for line in done.progress["lines"]] == ["我的电话是[电话]。", "什么时候发货？"]
    report = workspace.store.results.get("u1")
    assert (report.agent_id, len(report.segments)) == ("A1", 2)


def test_a_cancelled_upload_stops_at_the_next_line_and_makes_no_call(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace, cut_recording(tmp_path / "a.wav"))
    job = take(workspace)
    assert job is not None
    engine = TwoLines(before_second=lambda: workspace.store.jobs.cancel(job.job_id, at=NOW) and None)
    worker = UploadWorker(workspace, engine, owner="w")
    worker.work_on(job)
    assert workspace.store.jobs.get(job.job_id).state is JobState.CANCELLED
    assert not workspace.store.calls.has_result("u1")


def test_a_recording_that_cannot_be_read_fails_alone_and_says_why(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace, tmp_path / "missing.wav", "u0")
    worker = UploadWorker(workspace, TwoLines(), owner="w")
    job = take(workspace)
    assert job is not None
    worker.work_on(job)
    failed = workspace.store.jobs.get(job.job_id)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "not_audio")
    assert "missing.wav" in failed.error


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_recording_that_is_too_long_is_told_from_one_that_is_no_audio(
    workspace: Workspace, tmp_path: Path, language: str, channels: int
) -> None:
    class Strict(TwoLines):
        def transcribe_aloud(self, call: Call, *, on_lines: object) -> FailedCall:
            with pytest.raises(AudioError) as raised:
                SoundLimit(call.audio_path, 60_000).check(60_000 if channels == 8 else 60_001, channels)
            return FailedCall.of(call, "decode", raised.value)

    add(workspace, cut_recording(tmp_path / "long.wav"), "u0")
    job = take(workspace)
    assert job is not None
    with messages.speaking(language):
        UploadWorker(workspace, Strict(), owner="w").work_on(job)
    assert workspace.store.jobs.get(job.job_id).error_code == "too_long"


def test_a_recording_that_crashes_the_decoder_fails_alone_before_the_engine_reads_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(workspace, cut_recording(tmp_path / "bomb.wav"), "u0")
    monkeypatch.setattr(hear_uploads, "survives", partial(trial_decode.survives, bytes=32 << 20))
    engine, job = TwoLines(), take(workspace)
    assert job is not None
    UploadWorker(workspace, engine, owner="w").work_on(job)
    failed = workspace.store.jobs.get(job.job_id)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "decoder_crashed")
    assert "WAV" in failed.error
    assert engine.heard == []
    assert [failure.step for failure in workspace.store.calls.list_failures()] == ["decode"]


def test_the_same_recording_again_leads_to_the_call_that_is_there(workspace: Workspace, tmp_path: Path) -> None:
    first, second = cut_recording(tmp_path / "a.wav"), tmp_path / "copy.wav"
    second.write_bytes(first.read_bytes())
    engine = TwoLines()
    worker = UploadWorker(workspace, engine, owner="w")
    for path, call_id in ((first, "u1"), (second, "u2")):
        add(workspace, path, call_id)
        job = take(workspace)
        assert job is not None
        worker.work_on(job)
    assert [job.progress["call_id"] for job in workspace.store.jobs.list(JobKind.UPLOAD)] == ["u1", "u1"]
    assert engine.heard == ["u1"]


# --- recordings of live calls -----------------------------------------------------------------------------------------


def live_call(workspace: Workspace, state: LiveState = LiveState.ENDED) -> LiveCall:
    call = LiveCall(
        live_id="l1", call_id="u1", agent_id="A1", convention="pcm", state=state, started_at=NOW,
        channel_roles=(Role.CUSTOMER, Role.AGENT),
    )  # fmt: skip
    workspace.store.live_calls.put(call)
    return call


def work_on_next(workspace: Workspace, engine: TwoLines | None = None) -> LiveState:
    """Work on the next job; return how far the live call is then."""
    job = take(workspace)
    assert job is not None
    UploadWorker(workspace, engine or TwoLines(), owner="w").work_on(job)
    return workspace.store.live_calls.get("l1").state


def test_a_recording_that_cannot_be_judged_settles_no_live_call_while_another_of_it_waits(
    workspace: Workspace, tmp_path: Path
) -> None:
    live_call(workspace)
    add(workspace, tmp_path / "missing.wav")  # the telephone system's, and then the one made live
    add(workspace, cut_recording(tmp_path / "live.wav"), live_id="l1")
    assert work_on_next(workspace) is LiveState.ENDED
    assert work_on_next(workspace) is LiveState.MERGED


def test_a_recording_that_comes_later_takes_the_place_of_one_that_could_not_be_judged(
    workspace: Workspace, tmp_path: Path
) -> None:
    live_call(workspace)
    add(workspace, tmp_path / "missing.wav", live_id="l1")
    assert work_on_next(workspace) is LiveState.MERGE_FAILED
    add(workspace, cut_recording(tmp_path / "whole.wav"))
    assert work_on_next(workspace) is LiveState.MERGED
    assert workspace.store.live_calls.get("l1").merged_call_id == "u1"


def test_the_failure_of_a_worker_whose_job_another_has_by_now_settles_no_live_call(
    workspace: Workspace, tmp_path: Path
) -> None:
    live_call(workspace)
    added = add(workspace, cut_recording(tmp_path / "live.wav"), live_id="l1")

    def lose() -> None:
        assert take(workspace, "next", at=NOW + timedelta(hours=1)) is not None
        raise OSError("the machine slept")

    assert work_on_next(workspace, TwoLines(before_second=lose)) is LiveState.ENDED
    UploadWorker(workspace, TwoLines(), owner="next").work_on(workspace.store.jobs.get(added.job_id))
    assert workspace.store.live_calls.get("l1").state is LiveState.MERGED


def test_a_worker_that_is_killed_once_a_live_call_is_merged_leaves_a_job_that_ends_alike(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_call(workspace)
    added = add(workspace, cut_recording(tmp_path / "live.wav"), live_id="l1")

    def die(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(workspace.store.jobs, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            work_on_next(workspace)
    assert workspace.store.live_calls.get("l1").state is LiveState.MERGED
    again = take(workspace, "next", at=NOW + timedelta(hours=1))
    assert again is not None
    UploadWorker(workspace, TwoLines(), owner="next").work_on(again)
    assert workspace.store.jobs.get(added.job_id).state is JobState.DONE
    assert workspace.store.live_calls.get("l1").state is LiveState.MERGED


def test_a_store_that_fails_for_a_moment_ends_no_worker(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_call(workspace)
    add(workspace, cut_recording(tmp_path / "live.wav"), live_id="l1")

    def fail(calls: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(workspace.store.live_calls, "change", fail)
        assert work_on_next(workspace) is LiveState.ENDED
    settle(workspace.store)
    assert workspace.store.live_calls.get("l1").state is LiveState.MERGED


def test_a_live_call_whose_recording_nobody_will_judge_is_settled(workspace: Workspace, tmp_path: Path) -> None:
    live_call(workspace)
    added = add(workspace, tmp_path / "live.wav", live_id="l1")
    settle(workspace.store)
    assert workspace.store.live_calls.get("l1").state is LiveState.ENDED
    workspace.store.jobs.cancel(added.job_id, at=NOW)
    settle(workspace.store)
    assert workspace.store.live_calls.get("l1").state is LiveState.MERGE_FAILED


def test_a_live_call_is_over_in_the_store_only_with_the_job_that_judges_its_recording(workspace: Workspace) -> None:
    call = live_call(workspace, LiveState.OPEN)
    over = replace(call, state=LiveState.ENDED)
    with pytest.raises(TypeError):  # a kill between the two would leave as little
        workspace.store.live_calls.hand_over(over, {"path": object()}, at=NOW)
    assert workspace.store.live_calls.get("l1").state is LiveState.OPEN
    workspace.store.live_calls.hand_over(over, {"call_id": "u1"}, at=NOW)
    assert workspace.store.live_calls.get("l1").state is LiveState.ENDED
    assert workspace.store.jobs.is_awaited("u1")


# --- the queue --------------------------------------------------------------------------------------------------------


def test_the_job_of_a_killed_worker_goes_to_the_next_when_its_lease_ends(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace, tmp_path / "a.wav")
    first = take(workspace, "killed")
    assert first is not None
    assert take(workspace, "next") is None
    again = take(workspace, "next", at=NOW + timedelta(seconds=31))
    assert again is not None
    assert (again.job_id, again.attempts) == (first.job_id, 2)
    assert not workspace.store.jobs.finish(first.job_id, "killed", JobState.DONE, at=NOW)


def test_a_job_that_kills_every_worker_is_given_up(workspace: Workspace, tmp_path: Path) -> None:
    added = add(workspace, tmp_path / "a.wav")
    for attempt in range(3):
        assert take(workspace, f"w{attempt}", at=NOW + timedelta(minutes=attempt)) is not None
    assert take(workspace, "w", at=NOW + timedelta(minutes=9)) is None
    failed = workspace.store.jobs.get(added.job_id)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "attempts")


def test_a_worker_that_ends_gives_its_job_back_without_counting_it(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace, tmp_path / "a.wav")
    take(workspace, "w")
    assert workspace.store.jobs.give_back("w") == 1
    again = take(workspace, "next")
    assert again is not None
    assert again.attempts == 1


def test_two_workers_never_take_the_same_job(workspace: Workspace, tmp_path: Path) -> None:
    for number in range(4):
        add(workspace, tmp_path / "a.wav", f"u{number}")
    taken = [take(workspace, f"w{number}") for number in range(5)]
    assert len({job.job_id for job in taken if job}) == 4
    assert taken[-1] is None


def test_while_live_calls_need_the_machine_uploads_begin_one_after_a_while(
    workspace: Workspace, tmp_path: Path
) -> None:
    for number in range(2):
        add(workspace, cut_recording(tmp_path / f"{number}.wav", seconds=1 + number), f"u{number}")
    looked: list[bool] = []
    hearing: list[threading.Thread] = []

    def is_busy() -> bool:
        if threading.current_thread() in hearing:  # the one that takes uploads
            looked.append(workspace.store.calls.has_result("u0"))
        return True

    engine = TwoLines(before_second=lambda: hearing.append(threading.current_thread()))
    with running(UploadWorker(workspace, engine, owner="w", is_busy=is_busy)):
        wait_for(lambda: sum(looked) >= 3, what="three looks at the queue after the first upload")
        assert not workspace.store.calls.has_result("u1")


@contextmanager
def running(worker: UploadWorker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stopping.set()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="threads of a process have the same niceness")
def test_threads_that_hear_recordings_are_nicer_than_others_of_the_process(
    workspace: Workspace, tmp_path: Path
) -> None:
    add(workspace, cut_recording(tmp_path / "a.wav"))
    heard: list[int] = []
    engine = TwoLines(before_second=lambda: heard.append(os.getpriority(os.PRIO_PROCESS, 0)))
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with running(UploadWorker(workspace, engine, owner="w", niceness=2)):
        wait_for(lambda: workspace.store.calls.has_result("u1"), what="the call")
    assert heard == [min(usual + 2, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual


def test_a_store_that_gives_no_job_for_a_moment_ends_no_worker(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(workspace, cut_recording(tmp_path / "a.wav"))
    take_job, failed = workspace.store.jobs.take, list[str]()

    def fail_once(kinds: Sequence[JobKind], owner: str, *, at: datetime) -> Job | None:
        if JobKind.UPLOAD in kinds and not failed:
            failed.append(owner)
            raise StoreError("the database is locked")
        return take_job(kinds, owner, at=at)

    monkeypatch.setattr(workspace.store.jobs, "take", fail_once)
    monkeypatch.setattr(hear_uploads, "_PATIENCE_S", 0.05)
    with running(UploadWorker(workspace, TwoLines(), owner="w")):
        wait_for(lambda: workspace.store.calls.has_result("u1"), what="the call")
    assert failed == ["w"]


def test_a_fault_in_one_queue_ends_the_worker_instead_of_leaving_half_of_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(kinds: Sequence[JobKind], owner: str, *, at: datetime) -> Job | None:
        if JobKind.UPLOAD in kinds:
            raise ValueError("a fault")
        return None

    monkeypatch.setattr(workspace.store.jobs, "take", fail)
    with pytest.raises(ValueError, match="a fault"):
        UploadWorker(workspace, TwoLines(), owner="w").run()
