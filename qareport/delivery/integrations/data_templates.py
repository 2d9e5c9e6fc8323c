"""Templates of integrations: Jinja over plain data alone, without calls, macros or attributes of objects.

A text that is one expression, `{{ tags }}`, becomes its value (a list, a number); any other text becomes text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.runtime import LoopContext

from qareport.errors import DeliveryError
from qareport.messages import Message, say
from qareport.presentation.templating import FULL_WIDTH_TAG, BoundedEnvironment

#: What an expression may be made of.
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
    nodes.Concat, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.BinExpr, nodes.UnaryExpr,
    nodes.If, nodes.For, nodes.Assign,
)  # fmt: skip
#: Of Jinja's own filters; the others reach attributes of objects, or have no use here.
_FILTERS = (
    "abs", "capitalize", "default", "first", "int", "join", "last", "length", "list", "lower", "map", "max", "min",
    "reject", "rejectattr", "replace", "round", "select", "selectattr", "sort", "string", "sum", "title", "trim",
    "truncate", "unique", "upper", "counted", "measured",
)  # fmt: skip
_TESTS = ("defined", "divisibleby", "eq", "equalto", "even", "false", "ge", "greaterthan", "gt", "in", "le", "lessthan",
          "lt", "mapping", "ne", "none", "number", "odd", "sequence", "string", "true", "undefined")  # fmt: skip
_OF_LOOPS = ("index", "index0", "first", "last", "length")
#: A text that is nothing but one expression.
_ALONE = re.compile(r"\s*\{\{[-+]?((?:(?!\{\{|\}\}|\{%).)+?)[-+]?\}\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """What is wrong with a template."""

    code: str
    what: Message
    to_do: Message | None = None
    #: Line of the template, from 1.
    line: int = 1
    #: The words that are at fault; "" where they are not known.
    word: str = ""


class _DataEnvironment(BoundedEnvironment):
    """Reaches keys of mappings and items of lists, and nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the value under a key: `answer.id` is `answer["id"]`."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return the value under a key, or an item."""
        if isinstance(obj, LoopContext) and argument in _OF_LOOPS:
            return super().getattr(obj, argument)
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        if isinstance(obj, Sequence) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                pass
        return self.undefined(obj=obj, name=argument)


class _NumberError(TemplateError):
    """A value is no number."""


def _number(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", str(value)):
        raise _NumberError(f"{str(value)[:40]!r} is not a number")
    return int(value)


def _clock(milliseconds: Any) -> str:
    seconds = int(milliseconds) // 1000
    return f"{seconds // 60}:{seconds % 60:02}"


def _union(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys([*values, *others]))


def _without(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return [value for value in values if value not in others]


def _environment(**options: Any) -> _DataEnvironment:
    environment = _DataEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options)
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.filters.update(number=_number, clock=_clock, union=_union, without=_without)
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    environment.globals = {}
    return environment


def _texts() -> _DataEnvironment:
    """Make an environment for texts: it is used once, as it counts the passes of loops."""
    return _environment(finalize=lambda value: "" if value is None else value)


def _addresses() -> _DataEnvironment:
    return _environment(finalize=_address_part)


def _address_part(value: Any) -> str:
    """Escape a value so that it is no more than one part of a path, or one value of a query."""
    if value is None or str(value) in ("", ".", ".."):
        raise TemplateError(f"{value!r} cannot be part of an address")
    return quote(str(value), safe="")


def check_template(text: str, known: Collection[str]) -> Iterator[TemplateFault]:
    """Yield what is wrong with a template.

    Args:
        text: the template.
        known: the names that it may use.
    """
    if match := FULL_WIDTH_TAG.search(text):
        line = text.count("\n", 0, match.start()) + 1
        what, to_do = say("full-width braces are printed as they stand"), say("write {{ … }}")
        yield TemplateFault(code="full-width-tag", what=what, to_do=to_do, line=line, word=match[0])
    try:
        template = _texts().parse(text)
        _texts().compile(text)
    except TemplateSyntaxError as error:
        what = say("not a template: {reason}", reason=error.message)
        yield TemplateFault(code="invalid-template", what=what, line=error.lineno)
        return
    yield from _forbidden(template)
    unknown = meta.find_undeclared_variables(template) - set(known)
    for node in template.find_all(nodes.Name):
        if node.name in unknown:
            unknown.discard(node.name)
            names = ", ".join(sorted(known))
            what, to_do = say("there is no {name!r} here", name=node.name), say("known here: {keys}", keys=names)
            yield TemplateFault(code="unknown-name", what=what, to_do=to_do, line=node.lineno, word=node.name)


def check_expression(text: str, known: Collection[str]) -> Iterator[TemplateFault]:
    """Yield what is wrong with an expression, `risk == 'high'`, as `check_template` does."""
    if "{{" in text or "}}" in text or "{%" in text:
        what, to_do = say("braces are not written here"), say("write the condition alone: risk == 'high'")
        yield TemplateFault(code="invalid-template", what=what, to_do=to_do, word="{{")
        return
    yield from check_template("{{ " + text + " }}", known)


def _forbidden(template: nodes.Template) -> Iterator[TemplateFault]:
    for node in template.find_all(nodes.Node):
        if isinstance(node, nodes.Call):
            word = str(getattr(node.node, "name", None) or getattr(node.node, "attr", ""))
            what, to_do = say("calls are not possible here"), say("use a filter: {{ tags | join(', ') }}")
            yield TemplateFault(code="template-call", what=what, to_do=to_do, line=node.lineno, word=word)
        elif not isinstance(node, (*_ALLOWED, nodes.Helper)):
            what = say("{node} is not possible here", node=type(node).__name__.lower())
            yield TemplateFault(code="template-part", what=what, line=getattr(node, "lineno", 1))
        elif isinstance(node, nodes.Getattr | nodes.Name) and str(_name(node)).startswith("_"):
            what = say("names that begin with _ are not possible here")
            yield TemplateFault(code="template-part", what=what, line=node.lineno, word=_name(node))


def _name(node: nodes.Getattr | nodes.Name) -> str:
    return node.attr if isinstance(node, nodes.Getattr) else node.name


def names_in(template: Any) -> set[str]:
    """Return the names that the texts of a JSON value use; the templates are good ones."""
    if isinstance(template, Mapping):
        return set().union(*map(names_in, template.values()))
    if isinstance(template, list):
        return set().union(*map(names_in, template))
    return meta.find_undeclared_variables(_texts().parse(template)) if isinstance(template, str) else set()


def evaluate(expression: str, values: Mapping[str, Any], *, where: str) -> Any:
    """Return the value of an expression; None where it leads nowhere.

    Raises:
        DeliveryError: it cannot be computed.
    """
    try:
        return _texts().compile_expression(expression)(**values)
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise _cannot(error, where) from error


def fill_address(template: str, values: Mapping[str, Any], *, where: str) -> str:
    """Fill the template of an address; what is put in is escaped for URLs.

    Raises:
        DeliveryError: it cannot be filled: a name without a value.
    """
    return _fill(_addresses(), template, values, where)


def fill_value(template: Any, values: Mapping[str, Any], *, where: str, unknown: Collection[str] = frozenset()) -> Any:
    """Fill all texts of a JSON value.

    Args:
        template: the value.
        values: what the texts may use.
        where: names the template in messages.
        unknown: texts that use one of these names stay as they are.

    Raises:
        DeliveryError: as `fill_address`, or what comes out is no JSON.
    """
    if isinstance(template, Mapping):
        return {key: fill_value(value, values, where=where, unknown=unknown) for key, value in template.items()}
    if isinstance(template, list):
        return [fill_value(value, values, where=where, unknown=unknown) for value in template]
    if not isinstance(template, str) or names_in(template) & set(unknown):
        return template
    alone = _ALONE.fullmatch(template)
    if alone is None:
        return _fill(_texts(), template, values, where)
    try:
        value = _texts().compile_expression(alone[1], undefined_to_none=False)(**values)
        if isinstance(value, StrictUndefined):
            str(value)  # raises, in Jinja's words
        return json.loads(json.dumps(value, allow_nan=False))
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise _cannot(error, where) from error


def _fill(environment: _DataEnvironment, template: str, values: Mapping[str, Any], where: str) -> str:
    try:
        return environment.from_string(template).render(**values)
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise _cannot(error, where) from error


def _cannot(error: Exception, where: str) -> DeliveryError:
    return DeliveryError(say("cannot be filled: {reason}", reason=str(error)), where=where)
