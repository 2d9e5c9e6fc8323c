"""Recordings are parted evenly and within memory; what goes down with its process is tried in ever smaller parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.model import Call
from qareport.workflows.distributed import parts
from qareport.workflows.distributed.parts import Part, make_parts
from qareport.workflows.transcribe import RecordingToTranscribe


def recordings(count: int, folder: Path = Path("/nowhere")) -> list[RecordingToTranscribe]:
    return [
        RecordingToTranscribe(call=Call(call_id=f"c{number}", audio_path=str(folder / f"{number}.wav")), key="k")
        for number in range(count)
    ]


def sizes(made: tuple[Part, ...]) -> list[int]:
    return [len(part.recordings) for part in made]


@pytest.mark.parametrize(
    ("count", "processes", "most", "expected"),
    [
        (3000, 8, 64, [64] * 46 + [56]),
        (18, 2, 64, [3] * 6),
        (1, 8, 64, [1]),
        (0, 8, 64, []),
        (100, 1, 8, [8] * 12 + [4]),
    ],
)
def test_parts_are_as_large_as_allowed_and_small_enough_for_every_process_to_get_some(
    count: int, processes: int, most: int, expected: list[int]
) -> None:
    made = make_parts(recordings(count), processes=processes, most=most)
    assert sizes(made) == expected
    assert [recording for part in made for recording in part.recordings] == recordings(count)


def test_a_part_holds_no_more_bytes_than_a_process_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_MOST_BYTES", 100)
    for number, length in enumerate((60, 40, 1, 500, 10)):
        (tmp_path / f"{number}.wav").write_bytes(b"x" * length)
    made = make_parts(recordings(5, tmp_path), processes=1, most=64)
    assert sizes(made) == [2, 1, 1, 1]


def test_what_went_down_with_its_process_is_tried_in_smaller_parts_and_then_alone() -> None:
    (part,) = make_parts(recordings(64), processes=1, most=64)[:1]
    whole = Part(recordings=tuple(recordings(64)))
    assert len(part.recordings) == 16
    assert sizes(whole.after_loss()) == [8] * 8
    assert sizes(whole.after_loss()[0].after_loss()) == [1] * 8


def test_a_recording_that_brings_down_processes_alone_is_given_up_the_second_time() -> None:
    alone = Part(recordings=tuple(recordings(1)))
    (again,) = alone.after_loss()
    (last,) = again.after_loss()
    assert [alone.is_given_up, again.is_given_up, last.is_given_up] == [False, False, True]
    assert not Part(recordings=tuple(recordings(2)), losses=9).is_given_up
