"""A damaged recording comes back as a transcript, or as a failure with its reason."""

from __future__ import annotations

from pathlib import Path

import torch

from tests.support.asr_fixtures import make_model
from tests.support.damaged_recordings import DAMAGES, intact_files, transcribe_damaged


def test_every_damaged_recording_is_accounted_for(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    sources = intact_files(tmp_path)
    result = transcribe_damaged(
        sources, model=str(make_model(tmp_path / "tiny")), count=len(sources) * len(DAMAGES), seed=7
    )
    torch.set_num_threads(threads)
    outcomes = result["outcomes"]
    assert result["accounted_for"] == result["inputs"] == 112
    assert outcomes["cut the end"].get("refused at decode", 0) > len(sources) // 2
    assert outcomes["wrong ending"] == {"transcribed": len(sources)}  # the content decides, not the name
    assert {outcome for counter in outcomes.values() for outcome in counter} <= {"transcribed", "refused at decode"}
