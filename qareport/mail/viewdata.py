"""What stands in a mail: plain strings, ready to print. Templates see nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A number against an earlier one; `style` is worse, better or ""."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of the headlines, what it is of, and what it is against."""

    label: str
    value: str
    n: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """One customer to call back."""

    rank: str
    order: str
    phone: str
    why: str
    #: Where to listen and the words there, and whose call it was.
    listen: str
    promise: str
    risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLine:
    """One weak link: what to improve, how often it happened, and what to say instead."""

    title: str
    story: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureView:
    """A picture inside the mail: its content id and what it shows, in words."""

    cid: str
    title: str
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """Everything that a mail says."""

    language: str
    organisation: str
    title: str
    #: `11月21日` for the subject, `2026年11月21日 周六` for the body.
    period_short: str
    period: str
    #: A few words for the subject.
    headline: str
    #: The first thing in the mail: a phone shows it under the subject.
    sentence: str
    agent: str = ""
    #: The report does not hold the whole period: the subject says so, too.
    partial: bool = False
    #: What a reader must know before all else: the report is partial, the rules are not today's.
    warnings: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    returns_title: str = ""
    returns: tuple[ReturnLine, ...] = ()
    returns_more: str = ""
    links_title: str = ""
    links: tuple[LinkLine, ...] = ()
    #: Lines under the tables: what was not judged, where orders' reports lie.
    remarks: tuple[str, ...] = ()
    picture: PictureView | None = None
    #: Names of what is attached, or where it lies.
    documents: tuple[str, ...] = ()
    #: What went wrong and what to do (mail to the operator).
    problems: tuple[str, ...] = ()
    #: How this mail came about, and how its numbers are to be read.
    footer: tuple[str, ...] = ()
