"""Calls recorded in two files, one for each side: joined where somebody says so, pointed out where nobody does."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from qareport.audio.decode import decode
from qareport.ingest import Ingest, find_calls
from qareport.model import Role
from qareport.settings import AudioSettings, IngestSettings

RATE = 8000


def tone(path: Path, hertz: float, seconds: float, *, channels: int = 1, second_hertz: float | None = None) -> Path:
    """Write a recording of a sine, on each channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * tone * at) for tone in (hertz, second_hertz or hertz)[:channels]]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.stack(waves, axis=1) * 16_000).astype("<i2").tobytes())
    return path


def find(folder: Path, manifest: Path | None = None, pattern: str = "", **given: object) -> Ingest:
    settings = IngestSettings(name_pattern=pattern, settle_s=0.0, **given)  # type: ignore[arg-type]
    return find_calls([str(folder)], manifest, cache=folder.parent / "cache", settings=settings)


def hertz_of(samples: np.ndarray) -> float:
    """The loudest frequency."""
    return float(np.fft.rfftfreq(len(samples), 1 / 16_000)[np.abs(np.fft.rfft(samples)).argmax()])


def test_the_legs_of_a_name_become_the_channels_of_one_call(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "A017_7001-in.wav", 300, 2.0)
    tone(tmp_path / "in" / "A017_7001-out.wav", 700, 1.0)
    found = find(tmp_path / "in", pattern="{agent_id}_{call_id}-{leg}")
    (call,) = found.calls
    assert (call.call_id, call.agent_id) == ("7001", "A017")
    assert call.channel_roles == (Role.CUSTOMER, Role.AGENT)
    recording = decode(call.audio_path, max_duration_ms=60_000)
    assert (recording.info.channels, recording.info.duration_ms) == (2, 2000)
    left, right = recording.samples
    assert hertz_of(left) == pytest.approx(300, abs=1)
    assert hertz_of(right[:16_000]) == pytest.approx(700, abs=1)
    assert np.abs(right[17_000:]).max() < 0.01, "the shorter leg ends in silence"
    assert find(tmp_path / "in", pattern="{agent_id}_{call_id}-{leg}").calls == found.calls


def test_the_rows_of_a_manifest_say_which_legs_belong_together(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "a.wav", 300, 1.0)
    tone(tmp_path / "in" / "b.wav", 700, 1.0)
    manifest = tmp_path / "m.csv"
    manifest.write_text("录音文件,通话编号,声道,订单号\na.wav,7001,客服,o1\nb.wav,7001,客户,\n")
    found = find(tmp_path / "in", manifest)
    (call,) = found.calls
    assert (call.call_id, call.order_id, call.channel_roles) == ("7001", "o1", (Role.AGENT, Role.CUSTOMER))
    assert decode(call.audio_path, max_duration_ms=60_000).info.channels == 2
    assert (found.unlisted, found.failures, found.leg_pairs) == ((), (), ())


def test_without_a_source_the_rows_alone_find_both_legs(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav", 300, 1.0)
    tone(tmp_path / "b.wav", 700, 1.0)
    (tmp_path / "m.csv").write_text("audio,call_id,channels\na.wav,1,in\nb.wav,1,out\n")
    (call,) = find_calls([], tmp_path / "m.csv", cache=tmp_path / "cache", settings=IngestSettings(settle_s=0.0)).calls
    assert call.channel_roles == (Role.CUSTOMER, Role.AGENT)


def test_a_leg_without_the_other_is_a_failure_until_it_comes(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "7001-in.wav", 300, 1.0)
    tone(tmp_path / "in" / "7002-in.wav", 300, 1.0)
    (tmp_path / "in" / "7002-out.wav.part").touch()
    found = find(tmp_path / "in", pattern="{call_id}-{leg}")
    assert [failure.call_id for failure in found.failures] == ["7001"]
    assert "the leg of the agent is missing" in found.failures[0].reason
    assert [call.call_id for call in found.waiting] == ["7002"]
    (tmp_path / "m.csv").write_text("audio,call_id,channels\n7001-in.wav,1,in\nnone.wav,1,out\n")
    (failure,) = find_calls([], tmp_path / "m.csv", cache=tmp_path).failures
    assert "there is no such file" in failure.reason


def test_the_same_number_in_two_folders_is_two_calls(tmp_path: Path) -> None:
    for day in ("d1", "d2"):
        tone(tmp_path / "in" / day / "1-in.wav", 300, 1.0)
        tone(tmp_path / "in" / day / "1-out.wav", 700 if day == "d1" else 800, 1.0)
    assert [call.call_id for call in find(tmp_path / "in", pattern="{call_id}-{leg}").calls] == ["1", "1-2"]


def test_legs_in_a_folder_each_are_one_call(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "rx" / "1_rx.wav", 300, 1.0)
    tone(tmp_path / "in" / "tx" / "1_tx.wav", 700, 1.0)
    assert len(find(tmp_path / "in", pattern="{call_id}_{leg}").calls) == 1


@pytest.mark.parametrize("second", ["1-rx.wav", "1-customer.wav"])
def test_two_legs_of_the_same_side_are_no_call(tmp_path: Path, second: str) -> None:
    tone(tmp_path / "in" / "1-in.wav", 300, 1.0)
    tone(tmp_path / "in" / second, 700, 1.0)
    (failure,) = find(tmp_path / "in", pattern="{call_id}-{leg}").failures
    assert "2 recordings are legs of this call: " in failure.reason
    assert "1-in.wav" in failure.reason
    assert second in failure.reason


def test_a_leg_that_cannot_be_read_fails_its_call_alone(tmp_path: Path) -> None:
    for call in ("1", "2", "3"):
        tone(tmp_path / "in" / f"{call}-in.wav", 300 + int(call), 1.0)
        tone(tmp_path / "in" / f"{call}-out.wav", 700, 1.0)
    (tmp_path / "in" / "1-in.wav").write_bytes(b"nothing that sounds")
    tone(tmp_path / "in" / "2-out.wav", 300, 1.0, channels=2, second_hertz=700)
    found = find(tmp_path / "in", pattern="{call_id}-{leg}")
    assert [call.call_id for call in found.calls] == ["3"]
    assert [(failure.call_id, failure.step) for failure in found.failures] == [("1", "decode"), ("2", "decode")]
    assert "a leg of a call with 2 channels; expected one channel, or the same sound on all" in found.failures[1].reason


def test_legs_are_as_long_as_the_settings_allow(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "1-in.wav", 300, 61.0)
    tone(tmp_path / "in" / "1-out.wav", 700, 1.0)
    settings = IngestSettings(name_pattern="{call_id}-{leg}", settle_s=0.0)
    audio = AudioSettings(max_duration_minutes=1)
    (failure,) = find_calls(
        [str(tmp_path / "in")], None, cache=tmp_path / "cache", settings=settings, audio=audio
    ).failures
    assert "longer than 1 minute" in failure.reason


def test_a_word_that_is_no_leg_does_not_fit_the_pattern(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "1-both.wav", 300, 1.0)
    found = find(tmp_path / "in", pattern="{call_id}-{leg}")
    assert [call.call_id for call in found.calls] == ["1-both"]
    assert len(found.unmatched) == 1


def test_names_that_look_like_legs_are_pointed_out(tmp_path: Path) -> None:
    for name in (
        "q-7001-in.wav",
        "q-7001-out.wav",
        "7002_RX.wav",
        "7002_TX.wav",
        "7003-in.wav",
        "login.wav",
        "logout.wav",
    ):
        tone(tmp_path / "in" / name, 300, 0.1)
    found = find(tmp_path / "in")
    assert len(found.calls) == 7
    assert found.leg_pairs == (("7002_RX.wav", "7002_TX.wav"), ("q-7001-in.wav", "q-7001-out.wav"))
