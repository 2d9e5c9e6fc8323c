"""One table holds all that is known of an audio format; whoever adds a format adds a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.audio.containers import AUDIO_SUFFIXES, FORMATS, format_of


def test_an_ending_and_a_demuxer_belong_to_a_single_format() -> None:
    suffixes = [suffix for known in FORMATS for suffix in known.suffixes]
    demuxers = [name for known in FORMATS for name in known.demuxers]
    assert len(set(suffixes)) == len(suffixes)
    assert len(set(demuxers)) == len(demuxers)
    assert set(suffixes) == AUDIO_SUFFIXES


def test_endings_are_written_as_they_are_compared() -> None:
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in AUDIO_SUFFIXES)


def test_where_a_container_states_no_length_a_file_that_breaks_off_is_found_by_its_end() -> None:
    silent = [known for known in FORMATS if not known.states_length and known.find_broken_end is None]
    assert [known.demuxers for known in silent if not known.headerless] == []


@pytest.mark.parametrize(
    ("demuxers", "suffix"),
    [
        ("wav", ".wav"),
        ("mov,mp4,m4a,3gp,3g2,mj2", ".m4a"),
        ("matroska,webm", ".webm"),
        ("asf", ".wma"),
        ("ogg", ".opus"),
    ],
)
def test_a_format_is_known_by_the_name_that_ffmpeg_opened_it_with(demuxers: str, suffix: str) -> None:
    assert suffix in format_of(demuxers).suffixes


def test_of_another_format_nothing_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(b"x")
    unknown = format_of("xyz")
    assert (unknown.states_length, unknown.broken_end(path)) == (False, None)
