"""Read a call script."""

from dataclasses import dataclass
from pathlib import Path

import yaml

SCRIPTS = Path(__file__).parent / "scripts"
ROLES = ("agent", "customer")
#: Silence between turns unless a script states another.
GAPS_MS = (260, 620)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of a script: a turn, a silence or hold music."""

    role: str = ""  #: agent or customer; "" for silence and music
    emotion: str = ""
    text: str = ""
    language: str = "zh"
    event: str = "Speech"
    overlap_ms: int = 0  #: a turn that starts this long before the previous turn ends
    moments: tuple[str, ...] = ()
    silence_ms: int = 0
    music_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A call before it is spoken."""

    call_id: str
    order_id: str
    agent_id: str
    started_at: str
    customer_phone: str
    audio: str
    channels: str  #: as in the manifest: `agent|customer` from left to right, or `mixed`
    voices: dict[str, str]
    gaps_ms: tuple[int, int]  #: shortest and longest silence between turns
    broken: bool  #: the file is cut off so that no decoder can read it
    steps: tuple[Step, ...]


def _read_step(line: dict[str, object], where: str) -> Step:
    options = dict(line)
    key = next(iter(options))
    value = options.pop(key)
    if key == "silence":
        return Step(silence_ms=int(str(value)))
    if key == "music":
        return Step(music_ms=int(str(value)))
    role, _, emotion = key.partition(" ")
    if role not in ROLES:
        raise ValueError(
            f"{where}: got {key!r}, expected silence, music, or a role and an emotion such as 'agent HAPPY'"
        )
    moments = options.pop("moments", [])
    return Step(
        role=role,
        emotion=emotion,
        text=str(value),
        language=str(options.pop("language", "zh")),
        event=str(options.pop("event", "Speech")),
        overlap_ms=int(str(options.pop("overlap", 0))),
        moments=tuple(str(m) for m in moments) if isinstance(moments, list) else (),
    )


def read_scripts() -> list[Script]:
    """Read every script in file order.

    Raises ValueError naming the file and the line's key for a step that is none of the known kinds.
    """
    scripts: list[Script] = []
    for path in sorted(SCRIPTS.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        scripts.append(
            Script(
                call_id=data["call_id"],
                order_id=data["order_id"],
                agent_id=data["agent_id"],
                started_at=data["started_at"].isoformat(),
                customer_phone=data["customer_phone"],
                audio=data["audio"],
                channels=data.get("channels", "agent|customer"),
                voices=data["voices"],
                gaps_ms=tuple(data.get("gaps_ms", GAPS_MS)),
                broken=data.get("broken", False),
                steps=tuple(_read_step(line, path.name) for line in data["turns"]),
            )
        )
    return scripts
