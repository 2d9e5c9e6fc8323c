"""Decode a recording for a trial, in a process of its own with limits, before the engine's process touches it.

What people upload may be made to break a decoder, or to blow up in it. The decoders are native code: a crash would end
the worker, and with it what it hears. So this file runs as a program on each upload first: argv[1] is JSON {"path": …,
"format": …, "options": {…}, "most_s": t, "cpu_s": c, "bytes": b}. It decodes the audio tracks and keeps nothing, until
their channels hold t seconds of sound. It ends with 0 where the decoders survived, whatever they said of the file, with
`OUT_OF_MEMORY` where b bytes did not suffice, and by a signal where they crashed or took c seconds of processor time.
It imports nothing of qareport.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

#: Exit status where the limit of memory was reached.
OUT_OF_MEMORY: Final = 3
#: What the decoders may use: seconds of processor time, and bytes of addresses.
CPU_S: Final = 600
MOST_BYTES: Final = 2 << 30
#: By the clock: a machine that is busy may be slower than its processor time.
_LONGEST_S: Final = 4 * CPU_S


def survives(
    path: Path, *, format: str | None, options: dict[str, str], most_s: int, cpu_s: int = CPU_S, bytes: int = MOST_BYTES
) -> bool:
    """Tell whether the decoders survive a recording; whether they can read it, they are asked later.

    Args:
        path: the recording.
        format: the demuxer that FFmpeg must be told; None: it sees the format itself.
        options: for the demuxer.
        most_s: seconds of sound of all channels together after which nothing more is decoded.
        cpu_s: processor time that it may take.
        bytes: memory that it may address.
    """
    asked = {
        "path": str(path), "format": format, "options": options, "most_s": most_s, "cpu_s": cpu_s, "bytes": bytes,
    }  # fmt: skip
    command = [sys.executable, "-P", __file__, json.dumps(asked)]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_LONGEST_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _limit(cpu_s: int, most_bytes: int) -> None:
    """Limit this process; a core file would hold what was said."""
    import resource

    for kind, most in ((resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_AS, most_bytes), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))


def _decode(asked: dict[str, Any]) -> int:
    _limit(int(asked["cpu_s"]), int(asked["bytes"]))
    import av

    opening: Any = av.open  # its frames may be pictures, for all that types know
    try:
        with opening(f"file:{asked['path']}", format=asked["format"], container_options=asked["options"]) as container:
            streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
            left_s = float(asked["most_s"])
            for packet in container.demux(streams):
                try:
                    for frame in packet.decode():
                        assert isinstance(frame, av.AudioFrame)  # noqa: S101 - for the type checker
                        left_s -= frame.samples * len(frame.layout.channels) / max(1, frame.sample_rate)
                except (av.FFmpegError, ValueError):
                    pass  # a damaged stretch; those after it are decoded, too
                if left_s < 0:
                    break
    except MemoryError:
        return OUT_OF_MEMORY
    except (av.FFmpegError, OSError, ValueError, LookupError, ArithmeticError, NotImplementedError):
        return 0  # no recording; the decoder survived it
    return 0


if __name__ == "__main__":
    sys.exit(_decode(json.loads(sys.argv[1])))
