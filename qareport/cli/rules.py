"""`qareport rules`: what those who tune the rules need, as text, JSON, GitHub annotations or a small HTML page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click
import jinja2

from qareport import messages, privacy, rules
from qareport.cli.console import Options, complain, date_option, notify, takes_options
from qareport.cli.language import SpokenGroup
from qareport.codec import to_json
from qareport.errors import ConfigError, Diagnostic, NotFoundError, Problem, SourceLocation
from qareport.files import atomic_write, safe_name
from qareport.messages import Message, say, say_count
from qareport.model import PersonalKind, Transcript
from qareport.presentation.locale import speaking
from qareport.rules import Change, HitCounts, Replay
from qareport.store import CallFilter
from qareport.strict_yaml import parse_yaml, unreadable
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


@click.group(cls=SpokenGroup)
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
                promises=[promise.name for promise in rule_book.topics.promises],
                categories=[category.name for category in rule_book.settings.score.categories],
                today=datetime.now().astimezone().date(),
                counts=counts,
            )
        except ConfigError as error:
            for line in write_problems(error.problems, (), format_):
                click.echo(line)
            notify(say_count("{count} error", "{count} errors", len(error.problems)))
            return 2
    for line in write_problems((), warnings, format_, counts):
        click.echo(line)
    found = (len(rule_book.ruleset.rules), folder, len(warnings))
    notify(
        say(
            "{rules} rules in {folder}: no errors, {warnings} warnings",
            rules=found[0],
            folder=folder,
            warnings=found[2],
        )
    )
    return 0


@rules_group.command("test", short_help="Run the tests beside the rules")
@click.option("--from-call", "call_id", metavar="CALL", help="Cut a masked case from a stored call and print it.")
@click.option("--rule", "rule_id", metavar="RULE", help="The rule that the case is for.")
@takes_options
def test(options: Options, call_id: str | None, rule_id: str | None) -> int:
    """Run the cases in *.test.yaml; a failing one says why. Exit status 1 if any fails."""
    with options.open_workspace() as workspace, speaking(messages.language()):
        rule_book = workspace.rule_book
        if call_id is not None:
            if rule_id is None:
                raise click.UsageError(str(say("name the rule that the case is for: --rule RULE")))
            transcript = _transcript(workspace, call_id)
            rule = _rule(rule_book.ruleset, rule_id)
            text = rules.export_rule_test(transcript, rule, rule_book.ruleset, rule_book.analyse, rule_book.read)
            click.echo(_case_in_words(text), nl=False)
            return 0

        def stored(name: str) -> Transcript | None:
            try:
                return _transcript(workspace, name)
            except NotFoundError:
                return None

        results = rules.run_rule_tests(
            rule_book.ruleset, rule_book.analyse, stored, read=rule_book.read, time_zone=rule_book.time_zone
        )
    failed = [result for result in results if not result.passed]
    for result in failed:
        for failure in result.failures:
            complain(f"{result.location}: {result.name}: {failure}")
        for line in result.why:
            click.echo(f"    {line}")
    click.echo(say("{passed} passed, {failed} failed", passed=len(results) - len(failed), failed=len(failed)))
    return len(failed) > 0


def _case_in_words(case: str) -> str:
    """Write a case of a test file in the words of the language that messages speak."""
    if messages.language() != "zh":
        return case
    return "".join(rules.rewrite(f"schema: 1\ncases:\n{case}", "tests", "chinese").splitlines(keepends=True)[2:])


@rules_group.command("explain", short_help="Tell why rules hit or missed a stored call")
@click.argument("name", metavar="CALL|ORDER")
@click.option("--rule", "rule_id", metavar="RULE", help="This rule only, also when it missed.")
@takes_options
def explain(options: Options, name: str, rule_id: str | None) -> int:
    """Tell why rules hit a stored call, or all calls of an order, or missed them.

    Each condition is drawn with its values and seconds, as a tree.
    """
    with options.open_workspace() as workspace, speaking(messages.language()):
        rule_book = workspace.rule_book
        chosen = rule_book.ruleset.rules if rule_id is None else (_rule(rule_book.ruleset, rule_id),)
        call_ids = [call_id for call_id, _order in workspace.store.calls.list_ids(CallFilter(orders=(name,)))]
        for call_id in call_ids or [name]:
            context = context_of(workspace.store, call_id, rule_book)
            if call_ids:
                click.echo(say("call {call}:", call=call_id))
            hide = privacy.quote_masker(context.transcript.segments, _kinds(workspace))
            for rule in chosen:
                explanation = rules.explain(rule, context, hide, lists=rule_book.ruleset.shared.lists)
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
            rule_book.ruleset,
            calls,
            rule_book.settings.score,
            against=other,
            kinds=_kinds(workspace),
            time_zone=rule_book.time_zone,
        )
        click.echo(write_replay(result, format_), nl=False)
        if apply_:
            count = apply(workspace.store, rule_book, start)
            notify(say_count("{count} call judged again", "{count} calls judged again", count))
        else:
            notify(say("nothing was changed; --apply makes it count"))
    return 0


@rules_group.command("schema", short_help="Print the JSON Schema of a rule file")
@click.option(
    "--of", "kind", type=click.Choice(["rules", "tests", "synonyms"]), default="rules", show_default=True,
    help="Which kind of file: rules, *.test.yaml, or synonyms.yaml.",
)  # fmt: skip
def schema(kind: rules.FileKind) -> int:
    """Print the JSON Schema of a rule file, for completion and checks in an editor."""
    click.echo(json.dumps(rules.json_schema(kind), ensure_ascii=False, indent=1))
    return 0


@rules_group.command("format", short_help="Write rules in Chinese or English words")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--chinese", "tongue", flag_value="chinese", help="Write Chinese words.")
@click.option("--english", "tongue", flag_value="english", help="Write English words.")
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 if a file would change.")
def format_(files: tuple[Path, ...], tongue: rules.Tongue | None, check: bool) -> int:
    """Write the keys and values of rule files in one language; comments, order and quotes stay.

    Without --chinese or --english the language is that of the messages.
    """
    words: rules.Tongue = tongue or ("chinese" if messages.language() == "zh" else "english")
    problems: list[Problem] = []
    changed = 0
    for path in files:
        try:
            changed += _format_file(path, words, check=check)
        except ConfigError as error:
            problems += error.problems
    for problem in problems:
        complain(Message(str(problem)))
    written = say("{changed} of {files} files written", changed=changed, files=len(files))
    notify(say("{changed} of {files} files would change", changed=changed, files=len(files)) if check else written)
    return 2 if problems else int(check and changed > 0)


def _format_file(path: Path, tongue: rules.Tongue, *, check: bool) -> bool:
    """Rewrite a file; tell whether it changes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError([unreadable(error, str(path))]) from error
    parse_yaml(content, name=str(path))
    text = content.decode("utf-8-sig")
    rewritten = rules.rewrite(text, rules.kind_of(path.name), tongue)
    if rewritten == text:
        return False
    if check:
        click.echo(str(path))
        return True
    with atomic_write(path) as file:
        file.write(content[: len(content) - len(text.encode())] + rewritten.encode())
    return True


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
        raise ConfigError([Problem(what=say("no rule {rule!r}", rule=rule_id), where="rules", to_do=near)])
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
        "what": str(problem.what),
        "expected": _said(problem.expected),
        "to_do": _said(problem.to_do),
    }


def _said(message: str | Message | None) -> str | None:
    return None if message is None else str(message)


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
    yield str(
        say(
            "{calls} calls, {changed} changed, in {seconds} s",
            calls=result.calls, changed=result.changed_calls, seconds=result.seconds,
        )
    )  # fmt: skip
    if result.unread:
        yield str(say("{count} calls could not be read", count=result.unread))
    if result.before is not None:
        yield str(say("mean score {before} -> {after}", before=result.before, after=result.after))
    for agent in result.agents:
        if agent.before != agent.after:
            name = agent.agent_id or say("unknown agent")
            scores = {"before": agent.before, "after": agent.after, "calls": agent.calls}
            yield str(say("  {agent}: {before} -> {after} ({calls} calls)", agent=name, **scores))
    for title, hits in (
        (say("hits gained: {count} ({rules})"), result.gained),
        (say("hits lost: {count} ({rules})"), result.lost),
    ):
        if hits:
            counts = Counter(hit.rule_id for hit in hits)
            listed = ", ".join(f"{rule} {count}" for rule, count in counts.most_common())
            yield str(say(title.template, count=len(hits), rules=listed))
            yield from _hits(hits)


def _hits(hits: Sequence[Change]) -> Iterable[str]:
    for hit in hits[:_SHOWN]:
        place = say(
            "  {rule} {call} order {order} at {second} s",
            rule=hit.rule_id, call=hit.call_id, order=hit.order_id or "-", second=f"{hit.at_ms / 1000:g}",
        )  # fmt: skip
        yield f"{place} “{hit.quote}”" if hit.quote else str(place)
    if len(hits) > _SHOWN:
        yield str(say("  and {count} more (--format json lists all)", count=len(hits) - _SHOWN))
