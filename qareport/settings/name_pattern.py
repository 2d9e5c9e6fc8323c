"""Read a call's metadata from the file name of its recording: `{agent_id}_{order_id}_{started_at:%Y%m%d%H%M%S}`.

A pattern is written as in Python's `str.format`. Fields: call_id, order_id, agent_id, customer_phone, leg (one of two
files of a call) and started_at with the format of its time; `{}` is a part that is ignored. The file name extension
(.wav) does not belong to it.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from qareport.codec import is_plausible
from qareport.messages import say
from qareport.strict_yaml import refusal

TEXTS = ("call_id", "order_id", "agent_id", "customer_phone", "leg")
_TIME = "started_at"
#: Digits of the parts of a time; Python's own `strptime` accepts fewer digits as well, which file names never have.
_DIGITS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "j": 3, "f": None}
_EXAMPLE = "{agent_id}_{order_id}_{started_at:%Y%m%d%H%M%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameParts:
    """The metadata in a name. None: the pattern has no such field."""

    call_id: str | None = None
    order_id: str | None = None
    agent_id: str | None = None
    customer_phone: str | None = None
    started_at: datetime | None = None
    #: Which of two files of a call, in the word of the name: in, out …
    leg: str | None = None


class NameReader:
    """A compiled pattern that reads names."""

    def __init__(self, pattern: str, time_zone: str) -> None:
        """Compile a pattern.

        Args:
            pattern: as in `ingest.name_pattern`.
            time_zone: IANA name of the zone in which names give their times.

        Raises:
            ValueError: not a pattern; the text says why.
        """
        self._regex, self._form = _compile(pattern)
        self._zone = ZoneInfo(time_zone)

    def read(self, stem: str) -> NameParts | None:
        """Read the name of a recording, without its extension. None: it does not match the pattern."""
        match = self._regex.fullmatch(stem)
        if match is None:
            return None
        values = match.groupdict()
        started_at = None
        if self._form is not None:
            try:
                started_at = datetime.strptime(values[_TIME], self._form).replace(tzinfo=self._zone)
            except ValueError:  # the 31st of February
                return None
            if not is_plausible(started_at):
                return None
        texts = {name: values[name] for name in TEXTS if name in values}
        if "leg" in texts:
            texts.setdefault("call_id", _without(stem, *match.span("leg")))
        return NameParts(started_at=started_at, **texts)


def _without(stem: str, start: int, end: int) -> str:
    """Cut a part out of a name, with the separator before or behind it: the legs of a call share what is left."""
    before, after = stem[:start], stem[end:]
    return before[:-1] + after if before else after[1:]


def _compile(pattern: str) -> tuple[re.Pattern[str], str | None]:
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(say("its braces do not match")) from error
    form: str | None = None
    regex = ""
    seen: set[str] = set()
    for index, (literal, field, spec, conversion) in enumerate(parts):
        regex += re.escape(literal)
        if field is None:
            continue
        if conversion or field in seen:
            twice = say("{{{field}}} is given twice", field=field)
            raise ValueError(twice if field in seen else say("{{{field}}} has a !", field=field))
        if field not in (*TEXTS, _TIME, ""):
            known = ", ".join((*TEXTS, _TIME))
            raise ValueError(say("unknown field {{{field}}}; known are {known} and {{}}", field=field, known=known))
        if field:
            seen.add(field)
        if field == _TIME:
            form = spec or ""
            regex += f"(?P<{field}>{_time_regex(form)})"
            continue
        if spec:
            raise ValueError(say("{{{field}:{spec}}}: only {time} has a form", field=field, spec=spec, time=_TIME))
        regex += _text_regex(field, parts[index + 1 :])
    if not seen:
        raise ValueError(say("it has no field"))
    return re.compile(regex), form


def _text_regex(field: str, rest: list[tuple[str, str | None, str | None, str | None]]) -> str:
    """Return the regex of a text: it ends where the literal after it begins, so that `A_B` has a single reading."""
    if not rest:
        characters = "."
    elif rest[0][0]:
        characters = f"[^{re.escape(rest[0][0][0])}]"
    elif rest[0][1] == _TIME:
        characters = "."
    else:
        raise ValueError(say("no text between {{{field}}} and {{{next}}}", field=field, next=rest[0][1]))
    return f"(?P<{field}>{characters}+)" if field else f"{characters}*"


def _time_regex(form: str) -> str:
    pieces = re.split(r"%(.)", form)
    wrong = [f"%{name}" for name in pieces[1::2] if name not in _DIGITS]
    if wrong or len(pieces) < 3:
        what = say("{codes} is not known", codes=", ".join(wrong)) if wrong else say("its form is missing")
        example = f"{{{_TIME}:%Y%m%d%H%M%S}}"
        raise ValueError(say("{field}: {what}; write it like {example}", field=_TIME, what=what, example=example))
    if not {"Y", "y"} & set(pieces[1::2]) or not ({"m", "d"} <= set(pieces[1::2]) or "j" in pieces[1::2]):
        raise ValueError(say("{form} names no day: year, month and day are needed", form=form))
    regex = ""
    for literal, name in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        regex += re.escape(literal)
        if name:
            regex += rf"[0-9]{{{_DIGITS[name]}}}" if _DIGITS[name] else "[0-9]{1,6}"
    return regex


def _checked(pattern: str) -> str:
    if pattern:
        try:
            _compile(pattern)
        except ValueError as error:
            raise refusal(
                "name_pattern", say("a pattern such as {example}, but {reason}", example=_EXAMPLE, reason=str(error))
            ) from error
    return pattern


#: A pattern, or an empty string.
NamePattern = Annotated[str, AfterValidator(_checked)]
