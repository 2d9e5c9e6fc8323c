"""What the summary of a run says of the recordings that were found and are not, or not surely, calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qareport.messages import Message, say

if TYPE_CHECKING:
    from qareport.cli.console import Summary

#: Names that are given where there are many of a kind.
_NAMED = 5


def intake_lines(summary: Summary) -> Iterator[Message | str]:
    """Yield the lines about sources, files that were not taken, manifest rows and undated calls."""
    from qareport import privacy

    if summary.unread:
        yield say("Could not be read: {count}", count=len(summary.unread))
        yield from (f"  {privacy.mask(str(problem))[0]}" for problem in summary.unread)
    for title, names in _titled(summary):
        if names:
            yield title
            yield from (f"  {name}" for name in names)
    yield from skipped_lines(summary.skipped)
    if summary.leg_pairs:
        yield say(
            "Pairs that look like the two legs of one call, and count as two calls: {count}",
            count=len(summary.leg_pairs),
        )
        yield from (f"  {first}, {second}" for first, second in summary.leg_pairs[:_NAMED])
        yield say('  To join such pairs, set ingest.name_pattern: "{call_id}-{leg}" (or list them in a manifest).')
    if summary.unknown_columns:
        columns = ", ".join(map(str, summary.unknown_columns))
        yield say("Columns of the manifest that are not used: {columns}", columns=columns)
    yield from undated_lines(sum(call.started_at is None for call in summary.done))


def skipped_lines(paths: Sequence[str]) -> Iterator[Message | str]:
    """Yield the lines about files that were not taken."""
    if paths:
        yield say("Files that were not taken, by their endings: {count}", count=len(paths))
        yield from _by_suffix(paths)


def undated_lines(count: int) -> Iterator[Message]:
    """Yield the line about calls that belong to no day."""
    if count:
        yield say(
            "Calls without a time: {count}. They are in no day: give them a start in a manifest or in their names.",
            count=count,
        )


def _titled(summary: Summary) -> tuple[tuple[Message, Sequence[str]], ...]:
    unlisted, unmatched, waiting = len(summary.unlisted), len(summary.unmatched), len(summary.waiting)
    return (
        (say("Calls of the manifest without a transcript: {count}", count=len(summary.missing)), summary.missing),
        (say("Recordings without a manifest row (reported without order): {count}", count=unlisted), summary.unlisted),
        (
            say(
                "Recordings whose names do not fit ingest.name_pattern (reported without order): {count}",
                count=unmatched,
            ),
            summary.unmatched,
        ),
        (
            say("Recordings that are still being written (the next run takes them): {count}", count=waiting),
            summary.waiting,
        ),
        (
            say("Duplicates of recordings (not counted as calls): {count}", count=len(summary.duplicates)),
            summary.duplicates,
        ),
    )


def _by_suffix(paths: Sequence[str]) -> Iterator[Message | str]:
    """Group files by their endings: of thousands of notes beside recordings, a few names are enough."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[Path(path).suffix.lower()].append(path)
    for suffix, files in sorted(groups.items()):
        names = ", ".join(Path(file).name if len(files) > 1 else file for file in files[:_NAMED])
        more = " …" if len(files) > _NAMED else ""
        yield f"  {suffix or '-'}: {len(files)} ({names}{more})"
