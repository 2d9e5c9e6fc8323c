"""Output of `qareport rules`: problems and replays as text, JSON, GitHub annotations or a small HTML page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import jinja2

from qareport.codec import to_json
from qareport.errors import Diagnostic, Problem, SourceLocation
from qareport.rules import Change, HitCounts, Replay

#: Hits that the text form lists on each side; JSON and HTML hold all.
_SHOWN = 20

_PAGE = jinja2.Environment(autoescape=True).from_string("""<!doctype html>
<html lang="zh"><meta charset="utf-8"><title>规则回放</title>
<style>body{font:15px/1.6 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3em .6em;text-align:left}
caption{text-align:left;font-weight:bold;padding:1em 0 .3em}
</style>
<h1>规则回放</h1>
<p>{{ r.calls }} 通电话，{{ r.changed_calls }} 通有变化；新命中 {{ r.gained|length }} 处，
不再命中 {{ r.lost|length }} 处。
平均分 {{ r.before if r.before is not none else "—" }} → {{ r.after if r.after is not none else "—" }}；
用时 {{ r.seconds }} 秒{% if r.unread %}；{{ r.unread }} 通读不出来{% endif %}。</p>
<table><caption>客服</caption><tr><th>客服<th>通数<th>原平均分<th>新平均分</tr>
{% for a in r.agents %}<tr><td>{{ a.agent_id or "未知" }}<td>{{ a.calls }}<td>{{ a.before }}<td>{{ a.after }}</tr>
{% endfor %}</table>
{% for title, hits in (("新命中", r.gained), ("不再命中", r.lost)) %}<table><caption>{{ title }}</caption>
<tr><th>规则<th>电话<th>订单<th>第几秒<th>分<th>原话</tr>
{% for h in hits %}<tr><td>{{ h.rule_id }}<td>{{ h.call_id }}
<td><a href="{{ (h.order_id or h.call_id)|urlencode }}.html">{{ h.order_id or "—" }}</a>
<td>{{ h.at_ms / 1000 }}<td>{{ h.points }}<td>{{ h.quote }}</tr>
{% endfor %}</table>{% endfor %}</html>
""")


def problems(
    errors: Sequence[Problem], warnings: Sequence[Problem], format_: str, counts: HitCounts | None = None
) -> Iterator[str]:
    """Write problems, one a line; as JSON one object."""
    if format_ == "json":
        items = [_data(problem, "error") for problem in errors] + [_data(problem, "warning") for problem in warnings]
        data = {"problems": items} | ({"hits": counts.by_rule} if counts is not None else {})
        yield json.dumps(data, ensure_ascii=False, indent=1)
        return
    for level, group in (("error", errors), ("warning", warnings)):
        for problem in group:
            if format_ == "github":
                yield _annotation(problem, level)
            else:
                yield f"{problem}{_code(problem)}"
    if counts is not None and format_ == "text":
        for rule_id, count in counts.by_rule.items():
            yield f"{count:>7} {rule_id}"


def _code(problem: Problem) -> str:
    return f" [{problem.code}]" if isinstance(problem, Diagnostic) else ""


def _data(problem: Problem, level: str) -> dict[str, object]:
    where = problem.where
    place = where if isinstance(where, SourceLocation) else None
    return {
        "level": level,
        "code": problem.code if isinstance(problem, Diagnostic) else None,
        "file": place.file if place is not None else where,
        "line": place.line if place is not None else None,
        "column": place.column if place is not None else None,
        "what": problem.what,
        "expected": problem.expected,
        "to_do": problem.to_do,
    }


def _annotation(problem: Problem, level: str) -> str:
    where = problem.where
    place = f" file={where.file},line={where.line},col={where.column}" if isinstance(where, SourceLocation) else ""
    text = f"{Problem(what=problem.what, expected=problem.expected, to_do=problem.to_do)}{_code(problem)}"
    return f"::{level}{place}::" + text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def replay(result: Replay, format_: str) -> str:
    """Write a replay."""
    if format_ == "json":
        return to_json(result, indent=1) + "\n"
    if format_ == "html":
        return _PAGE.render(r=result) + "\n"
    return "\n".join(_replay_lines(result)) + "\n"


def _replay_lines(result: Replay) -> Iterator[str]:
    yield f"{result.calls} calls, {result.changed_calls} changed, in {result.seconds} s"
    if result.unread:
        yield f"{result.unread} calls could not be read"
    if result.before is not None:
        yield f"mean score {result.before} -> {result.after}"
    for agent in result.agents:
        if agent.before != agent.after:
            yield f"  {agent.agent_id or 'unknown agent'}: {agent.before} -> {agent.after} ({agent.calls} calls)"
    for title, hits in (("gained", result.gained), ("lost", result.lost)):
        if hits:
            counts = Counter(hit.rule_id for hit in hits)
            yield f"{title} {len(hits)}: " + ", ".join(f"{rule} {count}" for rule, count in counts.most_common())
            yield from _hits(hits)


def _hits(hits: Sequence[Change]) -> Iterable[str]:
    for hit in hits[:_SHOWN]:
        quote = f" “{hit.quote}”" if hit.quote else ""
        yield f"  {hit.rule_id} {hit.call_id} order {hit.order_id or '-'} at {hit.at_ms / 1000:g} s{quote}"
    if len(hits) > _SHOWN:
        yield f"  and {len(hits) - _SHOWN} more (--format json lists all)"
