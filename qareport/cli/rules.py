"""`qareport rules`: what those who tune the rules need, as text, JSON, GitHub annotations or a small HTML page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click
import jinja2

from qareport import privacy, rules
from qareport.cli.console import Options, complain, date_option, notify, takes_options
from qareport.codec import to_json
from qareport.errors import ConfigError, Diagnostic, NotFoundError, Problem, SourceLocation
from qareport.files import safe_name
from qareport.model import PersonalKind, Transcript
from qareport.presentation.locale import speaking
from qareport.rules import Change, HitCounts, Replay
from qareport.workflows.judge import apply, context_of, stored_judgements, transcript_of
from qareport.workflows.workspace import Workspace

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
<td><a href="{{ file_name(h.order_id or h.call_id)|urlencode }}.html">{{ h.order_id or "—" }}</a>
<td>{{ h.at_ms / 1000 }}<td>{{ h.points }}<td>{{ h.quote }}</tr>
{% endfor %}</table>{% endfor %}</html>
""")


@click.group()
def rules_group() -> None:
    """Check the rules, run the tests beside them, explain and replay them, print their JSON Schema."""


@rules_group.command("lint", short_help="Check the configuration and all rules")
@click.option("--format", "format_", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option("--stored", is_flag=True, help="Add how often each rule hit stored calls, and name those that never did.")
@takes_options
def lint(options: Options, format_: str, stored: bool) -> int:
    """Check the configuration and all rules: every problem at once, as file:line:col: rule: what; what to do."""
    counts = None
    with options.open_workspace() as workspace:
        folder = workspace.rules_dir
        try:
            rule_book = workspace.rule_book
            if stored:
                counts = rules.count_hits(rule_book.ruleset, stored_judgements(workspace.store))
            warnings = rules.lint(
                rule_book.ruleset,
                silence_ms=rule_book.settings.analysis.silence_ms,
                topics=rule_book.topic_names,
                today=datetime.now().astimezone().date(),
                counts=counts,
            )
        except ConfigError as error:
            for line in write_problems(error.problems, (), format_):
                click.echo(line)
            notify(f"{len(error.problems)} errors")
            return 2
    for line in write_problems((), warnings, format_, counts):
        click.echo(line)
    notify(f"{len(rule_book.ruleset.rules)} rules in {folder}: no errors, {len(warnings)} warnings")
    return 0


@rules_group.command("test", short_help="Run the tests beside the rules")
@click.option("--from-call", "call_id", metavar="CALL", help="Cut a masked case from a stored call and print it.")
@click.option("--rule", "rule_id", metavar="RULE", help="The rule that the case is for.")
@takes_options
def test(options: Options, call_id: str | None, rule_id: str | None) -> int:
    """Run the cases in *.test.yaml; a failing one says why. Exit status 1 if any fails."""
    with options.open_workspace() as workspace, speaking(workspace.settings.report.locale):
        rule_book = workspace.rule_book
        if call_id is not None:
            if rule_id is None:
                raise click.UsageError("name the rule that the case is for: --rule RULE")
            transcript = _transcript(workspace, call_id)
            rule = _rule(rule_book.ruleset, rule_id)
            text = rules.export_rule_test(transcript, rule, rule_book.ruleset, rule_book.analyse, rule_book.read)
            click.echo(text, nl=False)
            return 0

        def stored(name: str) -> Transcript | None:
            try:
                return _transcript(workspace, name)
            except NotFoundError:
                return None

        results = rules.run_rule_tests(rule_book.ruleset, rule_book.analyse, stored, read=rule_book.read)
    failed = [result for result in results if not result.passed]
    for result in failed:
        for failure in result.failures:
            complain(f"{result.location}: {result.name}: {failure}")
    click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return len(failed) > 0


@rules_group.command("explain", short_help="Tell why rules hit or missed a stored call")
@click.argument("call_id", metavar="CALL")
@click.option("--rule", "rule_id", metavar="RULE", help="This rule only, also when it missed.")
@takes_options
def explain(options: Options, call_id: str, rule_id: str | None) -> int:
    """Tell why rules hit a stored call or missed it: each condition with its values and seconds, as a tree."""
    with options.open_workspace() as workspace, speaking(workspace.settings.report.locale):
        rule_book = workspace.rule_book
        chosen = rule_book.ruleset.rules if rule_id is None else (_rule(rule_book.ruleset, rule_id),)
        context = context_of(workspace.store, call_id, rule_book)
        hide = privacy.quote_masker(context.transcript.segments, _kinds(workspace))
        for rule in chosen:
            explanation = rules.explain(rule, context, hide)
            if rule_id is not None or explanation.outcome == "hit":
                for line in rules.draw(explanation):
                    click.echo(line)
    return 0


@rules_group.command("replay", short_help="Match today's rules against stored calls")
@date_option("--since", help="Only calls from this day on")
@click.option("--against", metavar="REV|DIR", help="Compare with a git revision or a folder, not with what is stored.")
@click.option("--apply", "apply_", is_flag=True, help="Make the new judgement count; the old one stays in the store.")
@click.option("--format", "format_", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@takes_options
def replay(options: Options, since: datetime | None, against: str | None, apply_: bool, format_: str) -> int:
    """Match the current rules against stored calls: hits gained and lost, scores by agent and in total."""
    start = since.astimezone() if since is not None else None
    with options.open_workspace() as workspace:
        rule_book = workspace.rule_book
        other = None
        if against is not None:
            other = rules.load(rules.RuleFiles.from_revision(against, workspace.rules_dir))
        calls = stored_judgements(workspace.store, start)
        result = rules.replay(
            rule_book.ruleset, calls, rule_book.settings.score, against=other, kinds=_kinds(workspace)
        )
        click.echo(write_replay(result, format_), nl=False)
        if apply_:
            notify(f"{apply(workspace.store, rule_book, start)} calls judged again")
        else:
            notify("nothing was changed; --apply makes it count")
    return 0


@rules_group.command("schema", short_help="Print the JSON Schema of a rule file")
def schema() -> int:
    """Print the JSON Schema of a rule file, for completion and checks in an editor."""
    click.echo(json.dumps(rules.json_schema(), ensure_ascii=False, indent=1))
    return 0


def _kinds(workspace: Workspace) -> Collection[PersonalKind]:
    """Return the personal data that may not be shown."""
    return workspace.settings.privacy.kinds if workspace.settings.privacy.enabled else ()


def _transcript(workspace: Workspace, call_id: str) -> Transcript:
    report = workspace.store.results.get(call_id)
    return transcript_of(report, workspace.store.calls.find_order_id(call_id))


def _rule(ruleset: rules.RuleSet, rule_id: str) -> rules.Rule:
    rule = ruleset.find(rule_id)
    if rule is None:
        near = rules.did_you_mean(rule_id, ruleset.versions)
        raise ConfigError([Problem(what=f"no rule {rule_id!r}", where=str(Path("rules")), to_do=near)])
    return rule


# --- output ---------------------------------------------------------------------------------------------------------


def write_problems(
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


def write_replay(result: Replay, format_: str) -> str:
    """Write a replay."""
    if format_ == "json":
        return to_json(result, indent=1) + "\n"
    if format_ == "html":
        return _PAGE.render(file_name=safe_name, r=result) + "\n"
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
