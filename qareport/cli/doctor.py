"""`qareport doctor`: a check of everything that qareport needs on this machine."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

import click

from qareport import __version__, asr
from qareport.asr.environment import gpu_names, installed_packages
from qareport.cli.console import say
from qareport.cli.options import Options, takes_options
from qareport.errors import NoStoreError, QareportError
from qareport.report import check_fonts
from qareport.settings import default_dir
from qareport.workflows.check_templates import check_templates
from qareport.workflows.workspace import Workspace


@click.command()
@takes_options
def doctor(options: Options) -> int:
    """Check this machine: packages, fonts, model, configuration, rules, store. Says what to do about each fault."""
    click.echo(f"qareport {__version__}, Python {platform.python_version()}, {platform.platform()}")
    faults = 0
    with options.open_workspace() as workspace:
        for name, examine in _CHECKS.items():
            try:
                findings = list(examine(workspace))
            except QareportError as error:
                findings = [f"FAULT {problem}" for problem in error.problems]
            for finding in findings:
                faults += finding.startswith("FAULT")
                click.echo(f"{name:<9} {finding}")
    say("All is well." if not faults else f"Faults: {faults}. Each line above marked FAULT says what to do.")
    return 2 if faults else 0


def _examine_engine(_: Workspace) -> Iterator[str]:
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


def _examine_model(workspace: Workspace) -> Iterator[str]:
    files = workspace.engine_files()
    yield f"{files.info.name}@{files.info.revision}, files whole"
    vad, voices = asr.describe_detection(files, workspace.settings.asr)
    yield f"finds speech with {vad}"
    yield f"tells voices on one channel apart by {voices}"


def _examine_fonts(_: Workspace) -> Iterator[str]:
    faults = check_fonts()
    yield from (f"FAULT {fault}" for fault in faults)
    if not faults:
        yield "Chinese font and its embedding are here"


def _examine_config(workspace: Workspace) -> Iterator[str]:
    ruleset = workspace.rule_book.ruleset
    yield f"{workspace.config}: {len(ruleset.rules)} rules, rule set {ruleset.sha256[:12]}"


def _examine_templates(workspace: Workspace) -> Iterator[str]:
    folder = workspace.templates
    if folder.resolve() == default_dir("templates").resolve():
        yield f"{folder}: as they came with qareport"
        return
    problems = [problem for template in check_templates(folder) for problem in template.problems]
    yield from (f"FAULT {problem}" for problem in problems)
    if not problems:
        yield f"{folder}: every template was filled with samples and prints"


def _examine_store(workspace: Workspace) -> Iterator[str]:
    try:
        yield f"{workspace.store.url}: can be opened"
    except NoStoreError as error:
        yield f"{error.problems[0].where}: not there yet, `qareport run` makes it"


_CHECKS: dict[str, Callable[[Workspace], Iterator[str]]] = {
    "engine": _examine_engine,
    "model": _examine_model,
    "fonts": _examine_fonts,
    "config": _examine_config,
    "templates": _examine_templates,
    "store": _examine_store,
}
