"""Mine stored calls for question-answer pairs, and put them into groups: `qareport qa mine` and the desk's button."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from qareport import events, privacy
from qareport.analysis.qa_groups import Text, find_places
from qareport.analysis.qa_pairs import find_pairs
from qareport.analysis.solved import is_solved
from qareport.events import Progress
from qareport.files import content_key
from qareport.model import Agents, CallReport, FoundPair, PersonalKind, QaCounts, QaKind
from qareport.store import GroupPlace, MinedCall, Store

#: Counts up when the miner finds other pairs in the same calls: then every call is looked through again.
MINER: Final = "1"
#: Everything that can be masked: pairs are read by people and models who know no call.
ALL_KINDS: Final = frozenset(PersonalKind)
#: Calls that one transaction takes.
_AT_ONCE: Final = 50
_ALL: Final = Agents()


def mine(
    store: Store, *, agents: Agents = _ALL, processes: int = 1, on_progress: Progress = lambda *_: None
) -> QaCounts:
    """Look through the calls that are new or were judged anew, and group all pairs.

    A call that was looked through already costs nothing. What people have decided stays as it is.

    Args:
        store: the judged calls.
        agents: only their calls.
        processes: how many look through calls at once; more than one needs a store in a file or on a server.
        on_progress: is told of every fifty calls.

    Raises:
        StoreError: the store cannot be read or written.
    """
    watch = events.Stopwatch()
    unmined = store.qa_pairs.list_unmined(MINER, agents)
    added = removed = solved = done = 0
    with ExitStack() as stack:
        pool: Executor | None = None
        if processes > 1 and len(unmined) > _AT_ONCE:
            pool = stack.enter_context(ProcessPoolExecutor(processes))
        for calls, of_them in _looked_through(store, unmined, pool, processes):
            plus, minus = store.qa_pairs.put_mined(calls)
            added, removed, solved, done = added + plus, removed + minus, solved + of_them, done + len(calls)
            on_progress("mine", done, len(unmined))
    groups = _group(store) if unmined else 0
    events.happened("mine", "done", calls=len(unmined), pairs=added, duration_ms=watch.lap_ms())
    return QaCounts(calls=len(unmined), solved=solved, added=added, removed=removed, groups=groups)


def mine_report(report: CallReport, key: str, rules_sha256: str) -> tuple[MinedCall, bool]:
    """Look through one result. Returns what was found, and whether the call was solved."""
    pairs = find_pairs(report)
    if pairs:  # to mask takes longer than to look
        masked = privacy.mask_segments(report.segments, ALL_KINDS)
        pairs = tuple(map(masked_pair, find_pairs(replace(report, segments=masked.segments))))
    said = ((segment.start_ms, segment.role, segment.text) for segment in report.segments)
    call = MinedCall(
        call_id=report.call_id, key=key, transcript_key=content_key("said", repr(list(said))),
        rules_sha256=rules_sha256, pairs=pairs,
    )  # fmt: skip
    return call, any(pair.kind is QaKind.ANSWER for pair in pairs) or is_solved(report.segments)


def masked_pair(pair: FoundPair) -> FoundPair:
    """Mask the texts of a pair once more, each by itself: sentences that were joined may name what none named."""
    texts = {name: privacy.mask(getattr(pair, name), kinds=ALL_KINDS)[0] for name in ("question", "answer", "rejected")}
    return replace(pair, **texts)


def _looked_through(
    store: Store, unmined: tuple[tuple[str, str], ...], pool: Executor | None, processes: int
) -> Iterator[tuple[list[MinedCall], int]]:
    """Yield what was found, some fifty calls at a time; a damaged result gives nothing and is not looked at again."""
    keys = dict(unmined)
    size = _AT_ONCE * (processes if pool is not None else 1)
    ids = [call_id for call_id, _ in unmined]
    for first in range(0, len(ids), size):
        work = [
            (record.report, keys[record.call.call_id], record.rules_sha256 or "")
            for record in store.results.list(ids[first : first + size])
            if record.report is not None
        ]
        if pool is None:
            found = [mine_report(*item) for item in work]
        else:
            found = list(pool.map(mine_report, *zip(*work, strict=True), chunksize=_AT_ONCE // 2)) if work else []
        seen = {call.call_id for call, _ in found}
        damaged = [
            MinedCall(call_id=name, key=keys[name], transcript_key="", rules_sha256="", pairs=())
            for name in ids[first : first + size]
            if name not in seen
        ]
        yield [*(call for call, _ in found), *damaged], sum(solved for _, solved in found)


def _group(store: Store) -> int:
    """Put all pairs into their groups. Returns how many groups there are."""

    def read() -> Iterator[Text]:
        return (Text(item.pair_id, item.kind, item.question, item.answer) for item in store.qa_pairs.list_texts())

    before = {item.pair_id: item.place for item in store.qa_pairs.list_texts()}
    groups: set[int] = set()
    changed: dict[int, GroupPlace] = {}
    for number, place in find_places(read):
        groups.add(place.group)
        now = GroupPlace(place.group, place.answer, place.contradicted)
        if before.get(number) != now:
            changed[number] = now
    store.qa_pairs.put_places(changed)
    return len(groups)
