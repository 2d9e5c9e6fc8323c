"""`qareport rules`: check, test, explain and replay the rules, and print their JSON Schema."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from qareport import rules
from qareport.cli import rules_output
from qareport.cli.console import Options, complain, date_option, say, takes_options
from qareport.errors import ConfigError, NotFoundError, Problem
from qareport.model import Transcript
from qareport.workflows.judge import apply, context_of, stored_judgements, transcript_of
from qareport.workflows.workspace import Workspace


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
            for line in rules_output.problems(error.problems, (), format_):
                click.echo(line)
            say(f"{len(error.problems)} errors")
            return 2
    for line in rules_output.problems((), warnings, format_, counts):
        click.echo(line)
    say(f"{len(rule_book.ruleset.rules)} rules in {folder}: no errors, {len(warnings)} warnings")
    return 0


@rules_group.command("test", short_help="Run the tests beside the rules")
@click.option("--from-call", "call_id", metavar="CALL", help="Cut a masked case from a stored call and print it.")
@click.option("--rule", "rule_id", metavar="RULE", help="The rule that the case is for.")
@takes_options
def test(options: Options, call_id: str | None, rule_id: str | None) -> int:
    """Run the cases in *.test.yaml; a failing one says why. Exit status 1 if any fails."""
    with options.open_workspace() as workspace:
        rule_book = workspace.rule_book
        if call_id is not None:
            if rule_id is None:
                raise click.UsageError("name the rule that the case is for: --rule RULE")
            transcript = _transcript(workspace, call_id)
            rule = _rule(rule_book.ruleset, rule_id)
            click.echo(rules.export_rule_test(transcript, rule, rule_book.ruleset, rule_book.analyse), nl=False)
            return 0

        def stored(name: str) -> Transcript | None:
            try:
                return _transcript(workspace, name)
            except NotFoundError:
                return None

        results = rules.run_rule_tests(rule_book.ruleset, rule_book.analyse, stored)
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
    with options.open_workspace() as workspace:
        rule_book = workspace.rule_book
        chosen = rule_book.ruleset.rules if rule_id is None else (_rule(rule_book.ruleset, rule_id),)
        context = context_of(workspace.store, call_id, rule_book)
    for rule in chosen:
        explanation = rules.explain(rule, context)
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
        result = rules.replay(rule_book.ruleset, calls, rule_book.settings.score, against=other)
        click.echo(rules_output.replay(result, format_), nl=False)
        if apply_:
            say(f"{apply(workspace.store, rule_book, start)} calls judged again")
        else:
            say("nothing was changed; --apply makes it count")
    return 0


@rules_group.command("schema", short_help="Print the JSON Schema of a rule file")
def schema() -> int:
    """Print the JSON Schema of a rule file, for completion and checks in an editor."""
    click.echo(json.dumps(rules.json_schema(), ensure_ascii=False, indent=1))
    return 0


def _transcript(workspace: Workspace, call_id: str) -> Transcript:
    report = workspace.store.results.get(call_id)
    return transcript_of(report, workspace.store.calls.find_order_id(call_id))


def _rule(ruleset: rules.RuleSet, rule_id: str) -> rules.Rule:
    rule = ruleset.find(rule_id)
    if rule is None:
        near = rules.did_you_mean(rule_id, ruleset.versions)
        raise ConfigError([Problem(what=f"no rule {rule_id!r}", where=str(Path("rules")), to_do=near)])
    return rule
