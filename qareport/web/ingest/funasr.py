"""The protocol of FunASR's runtime: JSON `{mode, wav_name, is_speaking, audio_fs, …}`, binary 16-bit sound, texts back.

`offline` is told the whole text at the end; `online` what is heard while it is said; `2pass` both. What comes `online`
goes on where the message before ended: clients join those texts. At the end an empty text is final, with `is_end` for
clients that wait for it. `wav_name` is the call's id, `CALL:agent` and `CALL:customer` its two sides; the names that
clients send by themselves name no call. `audio_fs` is obeyed: 8 kHz is heard as 8 kHz.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any, Final

from qareport.audio.streaming import Encoding, decode_samples
from qareport.model import Role
from qareport.web.ingest.conventions import Began, FrameError, Over, SoundFrame, Step, rate_of, read_object, text_of

_MODES = ("offline", "online", "2pass")
#: What clients send where nobody named the sound: no ids of calls.
_NAMELESS = ("demo", "microphone", "h5")
#: Marks at the end of what goes on: the next reading may have none there.
_MARKS = "，。！？、,.!? "


class FunasrConvention:
    """One connection of a client."""

    #: Its clients send a file as fast as it goes, in frames of 60 ms.
    most_channels: Final = 10

    def __init__(self) -> None:
        self._began: Began | None = None
        self._mode = "2pass"
        self._name = ""
        self._half = b""
        self._texts: list[str] = []
        #: Of the sentence that goes on: its last reading, and what the client was told.
        self._reading = self._shown = ""

    def feed(self, message: str | bytes) -> list[Step]:
        """Take a message (see `Convention`)."""
        if isinstance(message, bytes):
            if self._began is None:
                raise FrameError("sound before the first text")
            data = self._half + message
            whole = len(data) // 2 * 2
            self._half = data[whole:]
            return [SoundFrame(channel=0, samples=decode_samples(data[:whole], Encoding.S16LE))]
        values = read_object(message)
        if values.get("is_speaking") is False:
            began, self._began, self._half = self._began, None, b""
            return [] if began is None else [Over()]
        if self._began is not None:  # further settings, as hotwords
            return []
        mode = values.get("mode", "2pass")
        if mode not in _MODES:
            raise FrameError(f"mode: one of {', '.join(_MODES)}")
        if values.get("wav_format", "pcm") not in ("pcm", "wav"):  # others are whole files, which no call is
            raise FrameError("wav_format: pcm")
        self._mode, self._texts, self._reading, self._shown = mode, [], "", ""
        self._name = text_of(values, "wav_name") or ""
        call_id, _, role = self._name.rpartition(":")
        role = role if call_id and role in ("agent", "customer") else ""
        self._began = Began(
            call_id=call_id if role else "" if self._name in _NAMELESS else self._name,
            roles=(Role(role) if role else Role.UNKNOWN,),
            sample_rate=rate_of(values.get("audio_fs", 16_000)),
            is_half=bool(role),
        )
        return [self._began]

    def told(self, kind: str, data: Mapping[str, Any]) -> str | None:
        """Word what was heard as FunASR does."""
        text = str(data.get("text", ""))
        if kind == "over":
            whole = "".join(self._texts) if self._mode == "offline" else ""
            return self._message("2pass-offline", whole, is_final=True, is_end=True)
        if self._mode == "offline":
            self._texts += [text] if kind == "line" else []
            return None
        if kind == "partial":
            return self._told_online(self._go_on(text))
        told, self._shown, self._reading = text[len(self._shown) :], self._shown[len(text) :], ""
        return self._told_online(told) if self._mode == "online" else self._message("2pass-offline", text)

    def _told_online(self, text: str) -> str | None:
        return self._message("2pass-online", text) if text else None

    def _go_on(self, text: str) -> str:
        """Return what a reading adds. Nothing told can be taken back: `online` is told what two readings agree on."""
        new = text.rstrip(_MARKS)
        if self._mode == "online":
            both = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(self._reading, new, strict=False))
            self._reading, new = new, "".join(letter for letter, _ in both)
        added = new[len(self._shown) :]
        self._shown = self._shown + added if text else ""
        return added

    def _message(self, mode: str, text: str, **more: bool) -> str:
        mode = mode if self._mode == "2pass" else self._mode
        values = {"mode": mode, "text": text, "wav_name": self._name, "is_final": False, **more}
        return json.dumps(values, ensure_ascii=False)
