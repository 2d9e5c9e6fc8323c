"""Whole reports without personal data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from qareport.model import CallReport, Classification, Finding, Note, OrderReport, PersonalKind, Segment
from qareport.privacy.find import ALL_KINDS, mask
from qareport.privacy.segments import mask_segments


def mask_order(report: OrderReport, kinds: Collection[PersonalKind] = ALL_KINDS) -> OrderReport:
    """Mask all calls of an order's report."""
    return replace(report, calls=tuple(mask_report(call, kinds) for call in report.calls))


def mask_report(report: CallReport, kinds: Collection[PersonalKind] = ALL_KINDS) -> CallReport:
    """Mask personal data in everything of a call's report that quotes speech; `masked` says where it is said.

    Segments (text, raw output, tokens), quotes of moments, evidence and advice of findings, the last words before a
    silence, values of notes. What names the recording (call id, path) stays: it must still be found by them.
    """
    done = mask_segments(report.segments, kinds)
    clean = _cleaner(report.segments, done.segments, kinds)
    return replace(
        report,
        segments=tuple(_clean_raw(segment, kinds) for segment in done.segments),
        silences=tuple(replace(silence, last_said=clean(silence.last_said)) for silence in report.silences),
        moments=tuple(
            replace(moment, quote=clean(moment.quote), topic=moment.topic and clean(moment.topic))
            for moment in report.moments
        ),
        promises=tuple(replace(promise, quote=clean(promise.quote)) for promise in report.promises),
        issues=tuple(_clean_class(issue, clean) for issue in report.issues),
        stages=tuple(_clean_class(stage, clean) for stage in report.stages),
        findings=tuple(_clean_finding(finding, clean) for finding in report.findings),
        notes=tuple(_clean_note(note, clean) for note in report.notes),
        masked=done.spans,
    )


def _cleaner(
    before: Sequence[Segment], after: Sequence[Segment], kinds: Collection[PersonalKind]
) -> Callable[[str], str]:
    """Make a function that masks a quote the way its segment was masked, and whatever else it holds."""
    changed = {old.text: new.text for old, new in zip(before, after, strict=True) if old.text and old.text != new.text}

    def clean(text: str) -> str:
        if text in changed:
            return changed[text]
        for old in sorted(changed, key=len, reverse=True):
            text = text.replace(old, changed[old])
        return mask(text, kinds=kinds)[0]

    return clean


def _clean_raw(segment: Segment, kinds: Collection[PersonalKind]) -> Segment:
    # Raw output is masked with its text; where the text holds nothing the raw form may still spell a number out.
    if segment.raw is None:
        return segment
    return replace(segment, raw=mask(segment.raw, kinds=kinds)[0])


def _clean_finding(finding: Finding, clean: Callable[[str], str]) -> Finding:
    evidence = tuple(replace(one, quote=clean(one.quote)) for one in finding.evidence)
    return replace(finding, evidence=evidence, advice=clean(finding.advice))


def _clean_class(found: Classification, clean: Callable[[str], str]) -> Classification:
    return replace(found, evidence=tuple(replace(one, quote=clean(one.quote)) for one in found.evidence))


def _clean_note(note: Note, clean: Callable[[str], str]) -> Note:
    return replace(note, values={name: clean(value) for name, value in note.values.items()})
