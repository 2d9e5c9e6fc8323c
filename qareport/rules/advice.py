"""Advice (建议话术): text with placeholders, rendered in a sandbox and checked when the rules are loaded."""

from __future__ import annotations

from dataclasses import dataclass, field

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: What advice may name, with the value it is tried with when rules are loaded.
#: quote: the words of the first evidence. topic: the keyword found. seconds: how long the pause or the emotion lasted.
PLACEHOLDERS = {"quote": "什么时候发货？", "topic": "发货", "seconds": "3.2", "order_id": "20241105000001"}
#: What stands for a value that the call does not have.
MISSING = {"quote": "", "topic": "该问题", "seconds": "0.0", "order_id": "（未提供订单号）"}

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
#: Longer advice is no advice; it also bounds what a template can cost.
_MAX_LENGTH = 2000


class AdviceError(ValueError):
    """Advice that cannot be rendered; the text says why."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A checked text with placeholders."""

    text: str
    _template: jinja2.Template = field(init=False, repr=False, compare=False)
    #: The text itself where it names nothing.
    _plain: str | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile and try the text.

        Raises:
            AdviceError: broken braces, an unknown placeholder, a result that is empty or too long.
        """
        try:
            unknown = meta.find_undeclared_variables(_ENVIRONMENT.parse(self.text)) - PLACEHOLDERS.keys()
            if unknown:
                raise AdviceError("unknown placeholder " + ", ".join(f"{{{{ {name} }}}}" for name in sorted(unknown)))
            object.__setattr__(self, "_template", _ENVIRONMENT.from_string(self.text))
            sample = self._template.render(PLACEHOLDERS)
        except AdviceError:
            raise
        except Exception as error:  # a template can raise anything; the user learns what
            raise AdviceError(f"broken placeholder: {error}") from error
        if "{" not in self.text:
            object.__setattr__(self, "_plain", sample.strip())
        if not sample.strip():
            raise AdviceError("advice is empty")
        if len(sample) > _MAX_LENGTH:
            raise AdviceError(f"advice is {len(sample)} characters long, at most {_MAX_LENGTH}")

    def names(self, placeholder: str) -> bool:
        """Tell whether the text uses a placeholder."""
        return placeholder in meta.find_undeclared_variables(_ENVIRONMENT.parse(self.text))

    def render(self, **values: str | None) -> str:
        """Fill in the values; None is worded as missing."""
        if self._plain is not None:
            return self._plain
        return self._template.render(
            {name: MISSING[name] if values.get(name) is None else values[name] for name in PLACEHOLDERS}
        ).strip()
