"""Write approved question-answer pairs for those who train and search: JSON lines, Alpaca, ShareGPT, DPO, CSV.

Everything is masked once more on its way out, whatever `privacy.enabled` says: people edit pairs. The formats are those
of Stanford Alpaca (`instruction, input, output`, a JSON array), of chat messages (`messages` with `role` and `content`,
JSON lines), and of TRL's preference sets (`prompt, chosen, rejected`, JSON lines).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any, Final

from qareport import __version__
from qareport.model import LEAVING_STATES, Agents, QaFilter, QaKind, QaPair, QaState
from qareport.presentation.spreadsheet import cell
from qareport.store import Store
from qareport.workflows.qa_mining import MINER, clean

#: What a model that is trained with the pairs is told to be.
SYSTEM: Final = "你是这家店的客服。回答要准确、完整、有礼貌；只说对每一位客户都成立的内容，不编造单号、时间和承诺。"
_COLUMNS: Final = (
    "id", "kind", "state", "question", "answer", "rejected", "synthetic_chosen", "issue", "stage", "emotion_before",
    "emotion_after", "helped", "group_id", "group_size", "support", "contradicted", "rules_sha256",
)  # fmt: skip
_SOURCE: Final = ("call_id", "q_ms", "a_ms", "transcript_key")
#: Pairs whose answer an agent gave: what to imitate.
_SAID: Final = (QaKind.ANSWER, QaKind.SILENCE_CHECK_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class QaFormat:
    """One format: the kinds of pairs it takes, the end of its file's name, and the row of a pair."""

    kinds: tuple[QaKind, ...]
    suffix: str
    media_type: str
    row: Callable[[QaPair], dict[str, Any]]


def _all_fields(pair: QaPair) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(pair, name) for name in _COLUMNS if name != "id"}
    return {"id": pair.pair_id} | values


def _alpaca(pair: QaPair) -> dict[str, Any]:
    return {"instruction": pair.question, "input": "", "output": pair.answer}


def _messages(pair: QaPair) -> dict[str, Any]:
    turns = (("system", SYSTEM), ("user", pair.question), ("assistant", pair.answer))
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def _preference(pair: QaPair) -> dict[str, Any]:
    return {
        "prompt": pair.question, "chosen": pair.answer, "rejected": pair.rejected,
        "synthetic_chosen": pair.synthetic_chosen,
    }  # fmt: skip


_LINES: Final = "application/x-ndjson"
QA_FORMATS: Final[Mapping[str, QaFormat]] = {
    "jsonl": QaFormat(kinds=tuple(QaKind), suffix="jsonl", media_type=_LINES, row=_all_fields),
    "alpaca": QaFormat(kinds=_SAID, suffix="json", media_type="application/json", row=_alpaca),
    "sharegpt": QaFormat(kinds=_SAID, suffix="jsonl", media_type=_LINES, row=_messages),
    "dpo": QaFormat(kinds=(QaKind.PREFERENCE,), suffix="jsonl", media_type=_LINES, row=_preference),
    "csv": QaFormat(kinds=tuple(QaKind), suffix="csv", media_type="text/csv; charset=utf-8", row=_all_fields),
}


@dataclass(slots=True)
class QaExport:
    """An export while it is written, and what its side file says of it."""

    format: str
    wanted: QaFilter
    anonymous: bool
    rows: int = 0
    rules: set[str] = field(default_factory=set)
    hash: Any = field(default_factory=hashlib.sha256)

    def describe(self, at: datetime) -> dict[str, Any]:
        """Return what the side file holds: how the file was made, and the hash by which it is known."""
        return {
            "format": self.format,
            "filter": self.wanted.as_query(),
            "anonymous": self.anonymous,
            "rows": self.rows,
            "sha256": self.hash.hexdigest(),
            "rules_sha256": sorted(self.rules),
            "miner": MINER,
            "qareport": __version__,
            "written_at": at.isoformat(timespec="seconds"),
        }


def leaving(wanted: QaFilter) -> QaFilter:
    """Restrict a filter to pairs that may leave; what is only mined or was rejected stays."""
    states = tuple(state for state in wanted.states if state in LEAVING_STATES)
    return replace(wanted, states=states or LEAVING_STATES)


def write_pairs(
    store: Store, wanted: QaFilter, agents: Agents, format: str, *, anonymous: bool, file: IO[bytes]
) -> QaExport:
    """Write the approved and edited pairs that a filter lets through.

    Args:
        store: the pairs.
        wanted: as on the page; states that do not leave are left out.
        agents: only pairs of their calls.
        format: one of `QA_FORMATS`.
        anonymous: leave out from which call and second each pair is.
        file: takes the bytes, UTF-8; a CSV file begins with the mark by which spreadsheets know it.
    """
    export = QaExport(format=format, wanted=leaving(wanted), anonymous=anonymous)
    for text in _written(export, _pairs(store, export, agents)):
        data = text.encode("utf-8", "replace")
        export.hash.update(data)
        file.write(data)
    return export


def _pairs(store: Store, export: QaExport, agents: Agents) -> Iterator[QaPair]:
    kinds = QA_FORMATS[export.format].kinds
    for pair in store.qa_pairs.list_all(export.wanted, agents):
        if pair.kind in kinds and pair.state in (QaState.APPROVED, QaState.EDITED):
            export.rows += 1
            export.rules.add(pair.rules_sha256)
            yield replace(pair, question=clean(pair.question), answer=clean(pair.answer), rejected=clean(pair.rejected))


def _written(export: QaExport, pairs: Iterable[QaPair]) -> Iterator[str]:
    rows = (_row(export, pair) for pair in pairs)
    if export.format == "csv":
        return _csv(rows, anonymous=export.anonymous)
    if export.format == "alpaca":
        return _array(rows)
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _row(export: QaExport, pair: QaPair) -> dict[str, Any]:
    row = QA_FORMATS[export.format].row(pair)
    return row if export.anonymous else row | {"source": {name: getattr(pair, name) for name in _SOURCE}}


def _array(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False)
    yield "\n]\n"


def _csv(rows: Iterable[dict[str, Any]], *, anonymous: bool) -> Iterator[str]:
    yield "\ufeff" + _line([*_COLUMNS, *(() if anonymous else _SOURCE)])
    for row in rows:
        source = row.pop("source", {})
        yield _line([*(row[name] for name in _COLUMNS), *source.values()])


def _line(values: Iterable[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(["" if value is None else cell(value) for value in values])
    return stream.getvalue()
