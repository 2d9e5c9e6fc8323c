"""A real call in English through the bundled model, which knows neither its voices nor its language."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from qareport import analysis, asr, settings
from qareport.asr.fsmn_vad import FsmnVad
from qareport.asr.model_files import check_vad
from qareport.audio.decode import decode
from qareport.model import Analysis, Call, Role, Transcript
from qareport.settings import AsrSettings, AudioSettings, default_dir
from tests.support.asr_fixtures import ASSETS

RECORDING = ASSETS / "audio" / "calls" / "auto_repairs_40.stereo.wav"
VAD = ASSETS / "fsmn-vad"
pytestmark = pytest.mark.skipif(not RECORDING.is_file(), reason="needs ../shared/assets")
ROLES = (Role.AGENT, Role.CUSTOMER)


@pytest.fixture(scope="module")
def counted() -> list[list[tuple[int, int]]]:
    """What FSMN-VAD by itself finds on each channel."""
    samples = decode(RECORDING, max_duration_ms=600_000).samples
    return FsmnVad(check_vad(VAD), AsrSettings(max_segment_ms=10_000_000)).find(samples)


@pytest.fixture(scope="module")
def transcript() -> Transcript:
    threads = torch.get_num_threads()
    how = AsrSettings(vad="fsmn", fsmn_vad=str(VAD))
    engine = asr.load("demo", device="cpu", asr=how, audio=AudioSettings())
    (result,) = engine.transcribe([Call(call_id="real", audio_path=str(RECORDING), channel_roles=ROLES)])
    torch.set_num_threads(threads)
    assert isinstance(result, Transcript)
    return result


@pytest.fixture(scope="module")
def result(transcript: Transcript) -> Analysis:
    config = default_dir("config")
    return analysis.analyse(transcript, settings.load(config).analysis, analysis.load_topics(config / "topics.yaml"))


def test_talk_time_on_each_channel_is_what_the_detector_counts(
    result: Analysis, counted: list[list[tuple[int, int]]]
) -> None:
    for role, spans in zip(ROLES, counted, strict=True):
        talk_ms = sum(end - start for start, end in spans)
        assert talk_ms > 100_000
        assert result.metrics.roles[role.value].talk_ms == pytest.approx(talk_ms, rel=0.05)


def test_talk_at_the_same_time_is_what_both_channels_share(
    result: Analysis, counted: list[list[tuple[int, int]]]
) -> None:
    agent, customer = counted
    shared_ms = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in agent for b in customer)
    assert shared_ms > 5000
    assert result.metrics.overlap_ms == pytest.approx(shared_ms, rel=0.1)


def test_nothing_is_claimed_about_emotions_words_or_sounds(transcript: Transcript, result: Analysis) -> None:
    assert {segment.emotion for segment in transcript.segments} != {None}
    assert {state.state for state in result.trajectory} <= {"NOT_JUDGED", "SILENCE"}
    assert {moment.kind.value for moment in result.moments} <= {"interruption"}
    assert result.curve == ()
    assert "outside_model_domain" in {note.code for note in result.notes}
    assert all(first.start_ms <= second.start_ms for first, second in pairwise(transcript.segments))
