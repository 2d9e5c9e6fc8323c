"""Turn results of FunASR into transcripts: `sentence_info` with times, or `text` with the times of its tokens.

FunASR says which voice spoke (`spk`), never which of them is the agent: roles stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qareport.model import AudioEvent, Emotion, Language, Role

_TAG = re.compile(r"<\|([^|<>]*)\|>")
#: A run of tags and the words up to the next one.
_GROUP = re.compile(r"((?:<\|[^|<>]*\|>\s*)*)([^<]*)")
_SENTENCE = re.compile(r"[^。！？!?；;]*[。！？!?；;]*")
#: What has a time of its own: a word in Latin letters, a number, or a single character of another script.
_TOKEN = re.compile(r"[A-Za-z0-9'’]+|[^\W_]")
#: Names that FunASR makes up for sound that came from no file.
_MADE_UP = re.compile(r"rand_key_\w+")
_MODEL = "FunASR"


def is_result(data: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a result of FunASR: `key` and `text`, or `sentence_info`."""
    return "sentence_info" in data or ("text" in data and ("key" in data or "timestamp" in data))


def convert(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Make the fields of a transcript of a result; None where it holds no times.

    What it holds under the names of the contract (order_id, agent_id, started_at, …) is taken over.
    """
    segments: list[dict[str, Any]] = []
    sentences = data.get("sentence_info")
    if isinstance(sentences, list) and (sentences or not data.get("text")):
        segments = [_of_sentence(sentence) for sentence in sentences]
    elif isinstance(data.get("timestamp"), list) and data["timestamp"]:
        segments = list(_of_tokens(str(data.get("text") or ""), data["timestamp"]))
    else:
        return None
    key = data.get("key")
    known = {name: value for name, value in data.items() if name in _KEPT}
    if isinstance(key, str) and not _MADE_UP.fullmatch(key):
        known.setdefault("call_id", key)
    return {"model": {"name": _MODEL, "revision": ""}, **known, "segments": segments}


_KEPT = frozenset(("schema_version", "call_id", "order_id", "agent_id", "shop", "started_at", "audio", "model"))


def _of_sentence(sentence: Any) -> Any:
    if not isinstance(sentence, Mapping):
        return sentence  # the contract says what is wrong with it
    raw = sentence.get("text") or sentence.get("sentence") or ""
    raw = " ".join(map(str, raw)) if isinstance(raw, list) else str(raw)
    return _segment(raw, sentence.get("start"), sentence.get("end"), sentence.get("timestamp"))


def _of_tokens(text: str, times: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Cut a text into sentences; where its tokens do not fit the times, it is one segment."""
    pieces = [
        (tags, sentence)
        for tags, words in _GROUP.findall(text)
        for sentence in _SENTENCE.findall(words)
        if sentence.strip()
    ]
    if sum(len(_TOKEN.findall(sentence)) for _, sentence in pieces) != len(times):
        yield _segment(text, _edge(times[0], 0), _edge(times[-1], 1), None)
        return
    at = 0
    for tags, sentence in pieces:
        own = times[at : at + len(_TOKEN.findall(sentence))]
        at += len(own)
        if own:
            yield _segment(tags + sentence, _edge(own[0], 0), _edge(own[-1], 1), own)


def _edge(pair: Any, index: int) -> Any:
    return pair[index] if isinstance(pair, list) and len(pair) == 2 else pair


def _segment(raw: str, start: Any, end: Any, times: Any) -> dict[str, Any]:
    names = _TAG.findall(raw)
    text = _TAG.sub("", raw).strip()
    tokens = _TOKEN.findall(text)
    timed = isinstance(times, list) and len(times) == len(tokens) and all(isinstance(pair, list) for pair in times)
    return {
        "start_ms": _whole(start),
        "end_ms": _whole(end),
        "role": Role.UNKNOWN,
        "text": text,
        "raw": raw if names else None,
        "language": next((name for name in names if name in set(Language)), None),
        "emotion": next((name for name in names if name in set(Emotion)), None),
        "events": list(dict.fromkeys(name for name in names if name in set(AudioEvent))),
        "tokens": [[token, *map(_whole, pair)] for token, pair in zip(tokens, times, strict=True)] if timed else [],
    }


def _whole(value: Any) -> Any:
    """FunASR writes milliseconds, some versions as floats."""
    return round(value) if isinstance(value, float) else value
