"""`qareport doctor`: a check of everything that qareport needs on this machine."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

import click

from qareport import __version__, asr, settings
from qareport.asr.environment import gpu_names, installed_packages
from qareport.cli.console import say
from qareport.cli.options import DEFAULT_MODEL, Options, open_store, takes_options
from qareport.errors import NoStoreError, QareportError
from qareport.report import check_fonts
from qareport.workflows.check_templates import check_templates
from qareport.workflows.judge import RuleBook


@click.command()
@takes_options
def doctor(options: Options) -> int:
    """Check this machine: packages, fonts, model, configuration, rules, store. Says what to do about each fault."""
    click.echo(f"qareport {__version__}, Python {platform.python_version()}, {platform.platform()}")
    faults = 0
    for name, examine in _CHECKS.items():
        try:
            findings = list(examine(options))
        except QareportError as error:
            findings = [f"FAULT {problem}" for problem in error.problems]
        for finding in findings:
            faults += finding.startswith("FAULT")
            click.echo(f"{name:<9} {finding}")
    say("All is well." if not faults else f"Faults: {faults}. Each line above marked FAULT says what to do.")
    return 2 if faults else 0


def _examine_engine(_: Options) -> Iterator[str]:
    versions = installed_packages()
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        yield (
            f"FAULT not installed: {', '.join(missing)}; reports from the store work, listening to recordings "
            "needs: pip install 'qareport[engine]'"
        )
        return
    devices = ", ".join(gpu_names()) or "no GPU: the CPU is used"
    yield f"torch {versions['torch']}, funasr {versions['funasr']}, {devices}"


def _examine_model(options: Options) -> Iterator[str]:
    name = options.model or DEFAULT_MODEL
    info = asr.identify(name, asr.check(asr.resolve(name)))
    yield f"{info.name}@{info.revision}, files whole"
    vad, voices = asr.describe_detection(info, settings.load(options.config_dir).asr)
    yield f"finds speech with {vad}"
    yield f"tells voices on one channel apart by {voices}"


def _examine_fonts(_: Options) -> Iterator[str]:
    faults = check_fonts()
    yield from (f"FAULT {fault}" for fault in faults)
    if not faults:
        yield "Chinese font and its embedding are here"


def _examine_config(options: Options) -> Iterator[str]:
    folder = options.config_dir
    ruleset = RuleBook.load(folder).ruleset
    yield f"{folder}: {len(ruleset.rules)} rules, rule set {ruleset.sha256[:12]}"


def _examine_templates(options: Options) -> Iterator[str]:
    folder = options.templates_dir
    if folder.resolve() == settings.default_dir("templates").resolve():
        yield f"{folder}: as they came with qareport"
        return
    problems = [problem for template in check_templates(folder) for problem in template.problems]
    yield from (f"FAULT {problem}" for problem in problems)
    if not problems:
        yield f"{folder}: every template was filled with samples and prints"


def _examine_store(options: Options) -> Iterator[str]:
    try:
        with open_store(options) as store:
            yield f"{store.url}: can be opened"
    except NoStoreError as error:
        yield f"{error.problems[0].where}: not there yet, `qareport run` makes it"


_CHECKS: dict[str, Callable[[Options], Iterator[str]]] = {
    "engine": _examine_engine,
    "model": _examine_model,
    "fonts": _examine_fonts,
    "config": _examine_config,
    "templates": _examine_templates,
    "store": _examine_store,
}
