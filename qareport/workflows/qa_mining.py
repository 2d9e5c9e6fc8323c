"""Mine stored calls for question-answer pairs, and put them into groups: `qareport qa mine` and the desk's button."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
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
    store: Store, *, agents: Agents = _ALL, processes: int = 1, url: str = "", on_progress: Progress = lambda *_: None
) -> QaCounts:
    """Look through the calls that are new or were judged anew, and group all pairs.

    A call that was looked through already costs nothing. What people have decided stays as it is.

    Args:
        store: the judged calls.
        agents: only their calls.
        processes: how many look through calls at once.
        url: of the store, with its password; needed for more than one process.
        on_progress: is told of every fifty calls.

    Raises:
        StoreError: the store cannot be read or written.
    """
    watch = events.Stopwatch()
    unmined = store.qa_pairs.list_unmined(MINER, agents)
    added = removed = solved = done = 0
    with ExitStack() as stack:
        for calls, of_them in _looked_through(stack, store, unmined, processes, url):
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
    return replace(pair, question=clean(pair.question), answer=clean(pair.answer), rejected=clean(pair.rejected))


def clean(text: str) -> str:
    """Mask a text that leaves its call, whatever the settings say."""
    return privacy.mask(text, kinds=ALL_KINDS)[0]


Batch = Sequence[tuple[str, str]]
Looked = tuple[list[MinedCall], int]


def _looked_through(stack: ExitStack, store: Store, unmined: Batch, processes: int, url: str) -> Iterator[Looked]:
    """Yield what was found, fifty calls at a time, and how many of them were solved."""
    batches = [unmined[first : first + _AT_ONCE] for first in range(0, len(unmined), _AT_ONCE)]
    if processes == 1 or not url or len(batches) < 2:
        yield from (_look_through(store, batch) for batch in batches)
        return
    pool = stack.enter_context(ProcessPoolExecutor(processes, mp_context=get_context("spawn")))
    waiting: deque[Future[Looked]] = deque()
    for batch in batches:  # a few at a time: results wait in memory
        waiting.append(pool.submit(_look_through_at, url, batch))
        if len(waiting) > 2 * processes:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _look_through_at(url: str, batch: Batch) -> Looked:
    return _look_through(_open(url), batch)


@cache
def _open(url: str) -> Store:
    return Store(url, make=False)


def _look_through(store: Store, batch: Batch) -> Looked:
    """Look through some calls; a damaged result gives nothing, and is not looked at again."""
    keys = dict(batch)
    found = [
        mine_report(record.report, keys[record.call.call_id], record.rules_sha256 or "")
        for record in store.results.list([call_id for call_id, _ in batch])
        if record.report is not None
    ]
    seen = {call.call_id for call, _ in found}
    damaged = [
        MinedCall(call_id=call_id, key=key, transcript_key="", rules_sha256="", pairs=())
        for call_id, key in batch
        if call_id not in seen
    ]
    return [*(call for call, _ in found), *damaged], sum(solved for _, solved in found)


def _group(store: Store) -> int:
    """Put all pairs into their groups. Returns how many groups there are."""

    def read() -> Iterator[Text]:
        return (Text(item.pair_id, item.kind, item.question, item.answer) for item in store.qa_pairs.list_texts())

    before = {item.pair_id: item.place for item in store.qa_pairs.list_texts()}
    groups: set[int] = set()
    changed: dict[int, GroupPlace] = {}
    for number, place in find_places(read):
        groups.add(place.group)
        now = GroupPlace(group_id=place.group, answer_id=place.answer, contradicted=place.contradicted)
        if before.get(number) != now:
            changed[number] = now
    store.qa_pairs.put_places(changed)
    return len(groups)
