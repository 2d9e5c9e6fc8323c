"""`qareport init`, `models`, `templates` and `doctor`: set an installation up, and check it."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from qareport import __version__, asr
from qareport.asr.suppress_output import gpu_names, installed_packages
from qareport.cli.console import Options, complain, notify, takes_options
from qareport.errors import ConfigError, DocumentError, ModelError, NoStoreError, Problem, QareportError
from qareport.messages import say
from qareport.report import check_fonts
from qareport.settings import default_dir
from qareport.workflows.check_templates import ALL, check_templates
from qareport.workflows.workspace import Workspace

COPIED = ("config", "templates")
copy_file = shutil.copy2


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(folder: Path) -> int:
    """Copy the configuration, the rules and the document templates into DIR for editing."""
    taken = [Problem(what="already exists", where=str(folder / name)) for name in COPIED if (folder / name).exists()]
    if taken:
        raise ConfigError([*taken, Problem(what="nothing was copied", to_do="choose another DIR, or move these away")])
    _copy_all(folder)
    for name in COPIED:
        click.echo(folder / name)
    notify(f"Now edit {folder}/config/qareport.yaml and the rules beside it, then: cd {folder} && qareport rules lint")
    return 0


def _copy_all(folder: Path) -> None:
    """Copy everything, or leave nothing half: a configuration that lacks rules would be taken for a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".init-", dir=folder))
    try:
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "*.py")
            shutil.copytree(default_dir(name), unfinished / name, ignore=ignored, copy_function=copy_file)
        for name in COPIED:
            (unfinished / name).rename(folder / name)
    except shutil.Error as error:
        reason = error.args[0][0][2]
        what, to_do = say("cannot be written: {reason}", reason=reason), say("check the folder and the disk")
        raise DocumentError(what, where=str(folder), to_do=to_do) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@click.group()
def models() -> None:
    """Download the published speech model, or check a model directory."""


@models.command("fetch", short_help="Download a model, its VAD and voice parts")
@click.argument("name", required=False, metavar="[NAME]")
@takes_options
def fetch(options: Options, name: str | None) -> int:
    """Download a model with its hub's own client (default: iic/SenseVoiceSmall), FSMN-VAD and cam++; check them all."""
    with options.open_workspace() as workspace:
        parts = workspace.settings.asr
    click.echo(asr.fetch(name or workspace.model))
    click.echo(asr.fetch_vad(parts.fsmn_vad))
    try:
        click.echo(asr.fetch_speaker_model(parts.speaker_model))
    except ModelError as error:
        complain(f"{error}. Without it, words alone say who speaks where one channel holds both")
    return 0


@models.command("check", short_help="Check a model directory and load it")
@click.argument("name", required=False, metavar="[NAME_OR_DIR]")
@takes_options
def check(options: Options, name: str | None) -> int:
    """Check that a model is complete, load it, and print its revision and what finds speech and tells voices apart."""
    with replace(options, model=name or options.model).open_workspace() as workspace:
        info = workspace.load_engine().info
        click.echo(f"{info.name}@{info.revision}: all files complete, all weights fit")
        vad, voices = asr.describe_detection(workspace.engine_files(), workspace.settings.asr)
    click.echo(f"finds speech with {vad}")
    click.echo(f"tells voices on one channel apart by {voices}")
    return 0


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
    notify("All is well." if not faults else f"Faults: {faults}. Each line above marked FAULT says what to do.")
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
    yield f"{files.info.name}@{files.info.revision}, files complete"
    vad, voices = asr.describe_detection(files, workspace.settings.asr)
    yield f"finds speech with {vad}"
    yield f"tells voices on one channel apart by {voices}"


def _examine_fonts(_: Workspace) -> Iterator[str]:
    faults = check_fonts()
    yield from (f"FAULT {fault}" for fault in faults)
    if not faults:
        yield "a Chinese font and its embedding are installed"


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
        yield f"{error.problems[0].where}: does not exist yet, `qareport run` creates it"


_CHECKS: dict[str, Callable[[Workspace], Iterator[str]]] = {
    "engine": _examine_engine,
    "model": _examine_model,
    "fonts": _examine_fonts,
    "config": _examine_config,
    "templates": _examine_templates,
    "store": _examine_store,
}


@click.group("templates")
def templates() -> None:
    """Check the templates of documents and mails after editing them."""


@templates.command("check", short_help="Fill templates with samples; list faults")
@click.argument("names", nargs=-1, type=click.Choice(ALL), metavar="[TEMPLATE...]")
@takes_options
def check_edited(options: Options, names: tuple[str, ...]) -> int:
    """Fill every template (or those named) with samples and with hostile data; name each broken tag with its place.

    Word (paragraph), HTML and mails (line), styles, and what PDF cannot print; exit status 2 when something is broken.
    """
    problems: list[Problem] = []
    with options.open_workspace() as workspace:
        for template in check_templates(workspace.templates, names or ALL):
            problems += template.problems
            outcome = f"{len(template.problems)} to fix" if template.problems else "fine"
            click.echo(f"{template.name:<16} {outcome}   {template.path}")
    if problems:
        raise ConfigError(problems)
    return 0
