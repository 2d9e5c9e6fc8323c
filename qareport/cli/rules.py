"""Commands for those who tune the rules."""

from __future__ import annotations

import json

import click

from qareport import pipeline
from qareport import rules as rule_language
from qareport.cli.console import complain, say
from qareport.cli.options import Options, takes_options


@click.group()
def rules() -> None:
    """Check the rules, run the tests beside them, print their JSON Schema."""


@rules.command("lint")
@takes_options
def lint(options: Options) -> int:
    """Check the configuration and all rules: every problem at once, as file:line:col: rule: what; what to do."""
    folder = options.config_dir
    ruleset = pipeline.Judge.load(folder).ruleset
    warnings = rule_language.lint(ruleset, folder / "rules")
    for warning in warnings:
        click.echo(f"{warning} [warning]")
    say(f"{len(ruleset.rules)} rules in {folder / 'rules'}: no errors, {len(warnings)} warnings")
    return 0


@rules.command("test")
@takes_options
def test(options: Options) -> int:
    """Run the cases in *.test.yaml; a failing one says why. Exit status 1 if any fails."""
    folder = options.config_dir
    judge = pipeline.Judge.load(folder)
    results = rule_language.run_cases(judge.ruleset, folder / "rules", judge.analyse)
    failed = [result for result in results if not result.passed]
    for result in failed:
        for failure in result.failures:
            complain(f"{result.location}: {result.name}: {failure}")
    click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return len(failed) > 0


@rules.command("schema")
def schema() -> int:
    """Print the JSON Schema of a rule file, for completion and checks in an editor."""
    click.echo(json.dumps(rule_language.json_schema(), ensure_ascii=False, indent=1))
    return 0
