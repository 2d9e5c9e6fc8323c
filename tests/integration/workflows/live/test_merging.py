"""When a live call is over: its recording is handed over, and calls that a killed process left behind are ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from qareport.audio.streaming import WavAppender
from qareport.model import Alert, CallSource, JobKind, LiveCall, LiveState, Role, Signal
from qareport.store import Store
from qareport.workflows.live.merging import end_orphans, merge
from qareport.workflows.live.recording import CallRecording, Recordings
from qareport.workflows.uploads import call_of

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def live_call(path: str = "", live_id: str = "l1") -> LiveCall:
    return LiveCall(
        live_id=live_id, call_id="c1", agent_id="A1", convention="pcm", state=LiveState.OPEN, started_at=NOW,
        channel_roles=(Role.CUSTOMER, Role.AGENT), audio_path=path, customer_phone="13812345678",
    )  # fmt: skip


def test_what_a_killed_process_left_behind_is_ended_and_what_it_recorded_is_judged(
    tmp_path: Path, store_url: str
) -> None:
    wav = WavAppender(tmp_path / "a.wav", 8000, 2)
    wav.append(np.zeros((8000, 2), np.int16))
    wav.sync()
    wav.append(np.zeros((400, 2), np.int16))
    wav._file.close()  # as a kill does
    WavAppender(tmp_path / "b.wav", 8000, 2).close()
    with Store(store_url) as store:
        store.live_calls.put(live_call(str(tmp_path / "a.wav")))
        store.live_calls.put(live_call(str(tmp_path / "b.wav"), "l2"))
        assert end_orphans(store, at=NOW) == 2
        lost, silent = store.live_calls.get("l1"), store.live_calls.get("l2")
        assert (lost.state, lost.ended_by, lost.ended_at) == (LiveState.LOST, "restart", NOW)
        assert silent.state is LiveState.MERGE_FAILED
        (job,) = store.jobs.list(JobKind.UPLOAD)
        assert job.payload["path"] == str(tmp_path / "a.wav")
        call = call_of(job)
        assert (call.customer_phone, call.source) == ("13812345678", CallSource.LIVE)
        assert not (tmp_path / "b.wav").exists()
        assert end_orphans(store, at=NOW) == 0
        assert list(store.maintenance.verify_rows()) == []


def test_a_recording_that_cannot_be_judged_says_so_and_keeps_its_sound(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as store:
        store.live_calls.put(replace(live_call(str(tmp_path / "a.wav")), state=LiveState.ENDED))
        alert = store.alerts.add(
            Alert(
                live_id="l1", call_id="c1", signal=Signal.ANGER, title="x", level=2, at_ms=0, raised_at=NOW,
                routed_at=NOW,
            )
        )  # fmt: skip
        assert merge(store, "c1", failed=True) == 1
        assert store.live_calls.get("l1").state is LiveState.MERGE_FAILED
        assert store.alerts.get(alert.alert_id).borne_out is None


def test_channels_are_recorded_side_by_side_and_the_rest_beside_silence(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "a.wav", 8000, 2)
    recording.add(0, np.full(1000, 7, np.int16))
    recording.add(1, np.full(400, 9, np.int16))
    recording.write()
    recording.add(1, np.full(100, 9, np.int16))
    recording.close()
    frames = np.frombuffer((tmp_path / "a.wav").read_bytes()[44:], "<i2").reshape(-1, 2)
    assert frames.shape == (1000, 2)
    assert frames[:, 0].tolist() == [7] * 1000
    assert frames[:, 1].tolist() == [9] * 500 + [0] * 500


@pytest.mark.parametrize("call_id", ["../../etc/passwd", "a/b", "c\0"])
def test_a_file_is_never_named_by_what_a_telephone_system_says(tmp_path: Path, call_id: str) -> None:
    with Recordings(tmp_path) as recordings:
        path = recordings.begin(call_id, 8000, 1)
        assert path.parent == tmp_path
        assert path.stem.isalnum()
        assert path.stat().st_mode & 0o777 == 0o600
