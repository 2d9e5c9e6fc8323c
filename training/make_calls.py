"""Make the bundled calls: `python -m training.make_calls --out qareport/bundled/calls`."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from training.recording import Codec, write_recording
from training.script import Script, read_scripts
from training.stage import Performance, perform
from training.synth import RATE

#: How a file suffix is written. Opus must be told that this is speech: its default for music couples the two channels
#: at such rates, and each speaker leaks into the other.
CODECS = {
    ".ogg": Codec(container="ogg", encoder="libopus", bit_rate=24000, options={"application": "voip"}),
    ".mp3": Codec(container="mp3", encoder="libmp3lame", bit_rate=32000, options={"joint_stereo": "0"}),
    ".flac": Codec(container="flac", encoder="flac"),
    ".wav": Codec(container="wav", encoder="pcm_mulaw"),
}
COLUMNS = ("audio", "call_id", "order_id", "agent_id", "started_at", "channels", "customer_phone")
#: Bytes of the broken file: the beginning of an Ogg page, then nothing that a decoder can use.
BROKEN_BYTES = 1500


def write_broken(path: Path) -> None:
    """Write the first bytes of an Ogg file with its identification header overwritten."""
    rng = np.random.default_rng(18)
    path.write_bytes(b"OggS\x00\x02" + rng.integers(0, 256, BROKEN_BYTES, dtype=np.uint8).tobytes())


def truth_of(script: Script, performance: Performance) -> dict[str, object]:
    """Return the truth of a call as written in truth.json."""
    return {
        "call_id": script.call_id,
        "order_id": script.order_id,
        "audio": script.audio,
        "turns": [
            {
                "start_ms": t.start_ms,
                "end_ms": t.end_ms,
                "role": t.role,
                "text": t.text,
                "emotion": t.emotion,
                "language": t.language,
                "events": list(t.events),
            }
            for t in performance.turns
        ],
        "pauses": [list(pause) for pause in performance.pauses],
        "overlaps": [list(overlap) for overlap in performance.overlaps],
        "moments": [{"at_ms": at, "kind": kind} for at, kind in performance.moments],
    }


def make_calls(out: Path) -> None:
    """Write every recording, `manifest.csv` and `truth.json` into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    truths: list[dict[str, object]] = []
    scripts = read_scripts()
    for script in scripts:
        path = out / script.audio
        if script.broken:
            write_broken(path)
            continue
        performance = perform(script)
        mixed = script.channels == "mixed"
        audio = performance.audio.sum(axis=0, keepdims=True) if mixed else performance.audio
        write_recording(path, audio, CODECS[path.suffix])
        truths.append(truth_of(script, performance))
        print(f"{script.audio}: {performance.audio.shape[1] / RATE:.1f} s, {path.stat().st_size / 1024:.0f} KiB")
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for script in scripts:
            writer.writerow([getattr(script, column) for column in COLUMNS])
    text = json.dumps({"calls": truths}, ensure_ascii=False, indent=1)
    (out / "truth.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("qareport/bundled/calls"))
    make_calls(parser.parse_args().out)


if __name__ == "__main__":
    main()
