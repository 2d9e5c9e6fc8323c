"""`qareport doctor`: check everything that a daily run needs, and say of each fault what to do."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import click

from qareport import __version__, asr
from qareport.asr.suppress_output import gpu_names, installed_packages
from qareport.cli.console import Options, notify, takes_options
from qareport.cli.doctor_desk import CheckOutcome, Level, check_clock, check_desk, check_tls
from qareport.cli.language import SpokenCommand
from qareport.delivery import why_off
from qareport.delivery.mail import Transport, read_password
from qareport.errors import NoStoreError, Problem, QareportError
from qareport.events import reason_of
from qareport.messages import Message, say
from qareport.model import OffReason
from qareport.report import check_fonts
from qareport.settings import HERE, default_dir
from qareport.workflows.check_templates import check_templates
from qareport.workflows.status import LEAST_FREE_BYTES
from qareport.workflows.workspace import Workspace

_TIMER = "qareport-daily.timer"
_CRON = Path("/etc/cron.d/qareport")


@click.command(cls=SpokenCommand)
@click.option("--connect", is_flag=True, help="Also connect to the mail server and log in; nothing is sent.")
@click.option(
    "--tls-cert", type=click.Path(path_type=Path), metavar="FILE", help="The desk's certificates, as `serve`."
)
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="The key of these certificates.")
@takes_options
def doctor(options: Options, connect: bool, tls_cert: Path | None, tls_key: Path | None) -> int:
    """Check this machine and everything that a daily run needs; each line marked FAULT or HINT says what to do.

    Packages, GPU, model, fonts, settings, rules, templates, store, disk, sources of recordings, mail and schedule; of
    the desk its port, files, worker and queue, and the clock.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError(str(say("--tls-cert and --tls-key belong together")))
    click.echo(f"qareport {__version__}, Python {platform.python_version()}, {platform.platform()}")
    counts = dict.fromkeys(Level, 0)
    with options.open_workspace() as workspace:
        checks = {**_CHECKS, "mail": _check_server} if connect else dict(_CHECKS)
        if tls_cert is not None and tls_key is not None:
            checks["tls"] = partial(check_tls, cert=tls_cert, key=tls_key)
        for name, check in checks.items():
            try:
                outcomes = list(check(workspace))
            except QareportError as error:
                outcomes = [CheckOutcome(problem, Level.FAULT) for problem in error.problems]
            except Exception as error:  # noqa: BLE001 - the other checks are wanted all the more
                outcomes = [CheckOutcome(Problem(what=str(reason_of(error))), Level.FAULT)]
            for outcome in outcomes:
                counts[outcome.level] += 1
                click.echo(f"{name:<9} {outcome}")
    if counts[Level.FAULT]:
        notify(say("Faults: {count}. Each line above marked FAULT says what to do.", count=counts[Level.FAULT]))
        return 2
    notify(say("All is well."))
    return 0


def _check_engine(_: Workspace) -> Iterator[CheckOutcome]:
    versions = installed_packages()
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        to_do = say(
            "not installed: {names}; reports from the store work, transcribing needs: pip install 'qareport[engine]'",
            names=", ".join(missing),
        )
        yield CheckOutcome(to_do, Level.FAULT)
        return
    devices = ", ".join(gpu_names()) or say("no GPU: the CPU is used")
    yield CheckOutcome(Message(f"torch {versions['torch']}, funasr {versions['funasr']}, {devices}"))


def _check_cluster(workspace: Workspace) -> Iterator[CheckOutcome]:
    on = workspace.settings.engine.on
    if on == HERE:
        return
    from qareport.workflows.distributed.cluster import connected

    with connected(on) as cluster:
        shares, versions = cluster.shares(workspace.device), cluster.versions()
    others = {node: version for node, version in versions.items() if version != __version__}
    for node, version in others.items():
        differs = say(
            "the node {node} has qareport {version}, this machine {own}",
            node=node,
            version=version or "—",
            own=__version__,
        )
        same = say("give every node the same files and packages as this machine")
        yield CheckOutcome(Problem(what=differs, where=on, to_do=same), Level.FAULT)
    if not others:
        yield CheckOutcome(say("{on}: nodes {nodes}, processes {count}", on=on, nodes=len(versions), count=len(shares)))


def _check_model(workspace: Workspace) -> Iterator[CheckOutcome]:
    files = workspace.engine_files()
    yield CheckOutcome(say("{model}, files complete", model=f"{files.info.name}@{files.info.revision}"))
    yield from (CheckOutcome(line) for line in asr.describe_detection(files, workspace.settings.asr))


def _check_fonts(_: Workspace) -> Iterator[CheckOutcome]:
    faults = check_fonts()
    yield from (CheckOutcome(fault, Level.FAULT) for fault in faults)
    if not faults:
        yield CheckOutcome(say("a Chinese font and its embedding are installed"))


def _check_config(workspace: Workspace) -> Iterator[CheckOutcome]:
    settings = workspace.settings
    yield CheckOutcome(
        say("{folder}: settings read, time zone {zone}", folder=workspace.config, zone=settings.period.time_zone)
    )


def _check_rules(workspace: Workspace) -> Iterator[CheckOutcome]:
    ruleset = workspace.rule_book.ruleset
    yield CheckOutcome(say("{count} rules, rule set {key}", count=len(ruleset.rules), key=ruleset.sha256[:12]))


def _check_templates(workspace: Workspace) -> Iterator[CheckOutcome]:
    folder = workspace.templates
    if folder.resolve() == default_dir("templates").resolve():
        yield CheckOutcome(say("{folder}: as they came with qareport", folder=folder))
        return
    problems = [problem for template in check_templates(folder) for problem in template.problems]
    yield from (CheckOutcome(problem, Level.FAULT) for problem in problems)
    if not problems:
        yield CheckOutcome(say("{folder}: every template was filled with samples and prints", folder=folder))


def _check_store(workspace: Workspace) -> Iterator[CheckOutcome]:
    try:
        yield CheckOutcome(say("{store}: can be opened", store=workspace.store.url))
    except NoStoreError as error:
        where = error.problems[0].where
        yield CheckOutcome(say("{store}: does not exist yet, `qareport run` creates it", store=where))
        return
    for webhook in workspace.store.webhooks.list():
        if webhook.off not in (None, OffReason.PERSON):
            yield CheckOutcome(why_off(webhook), Level.HINT)
        elif webhook.failing_since is not None:
            since = f"{webhook.failing_since:%Y-%m-%d %H:%M} UTC"
            failing = say("webhook {name}: all tries have failed since {since}", name=webhook.name, since=since)
            yield CheckOutcome(failing, Level.HINT)


def _check_disk(workspace: Workspace) -> Iterator[CheckOutcome]:
    out = Path(workspace.settings.daily.out).absolute()
    folder = next(path for path in (out, *out.parents) if path.exists())
    rooms = {str(folder): shutil.disk_usage(folder).free}
    try:
        free = workspace.store.maintenance.free_bytes()
        rooms |= {} if free is None else {workspace.store.url: free}
    except QareportError:
        pass  # the check of the store says it
    for place, free in rooms.items():
        room = say("{place}: {free:.1f} GiB free", place=place, free=free / 2**30)
        low = free < LEAST_FREE_BYTES
        to_do = say("delete what is old (`qareport store retain`), or move to a larger disk")
        yield CheckOutcome(Problem(what=room, to_do=to_do), Level.FAULT) if low else CheckOutcome(room)


def _check_sources(workspace: Workspace) -> Iterator[CheckOutcome]:
    daily = workspace.settings.daily
    if not daily.sources and not daily.manifest:
        to_do = say("daily.sources is empty: `qareport daily` takes in no recordings; name their folder there")
        yield CheckOutcome(to_do, Level.HINT)
    for source in (*daily.sources, daily.manifest):
        if "://" in source:
            yield CheckOutcome(say("{source}: is opened by each run", source=source))
        elif source:
            yield _local_source(source)


def _local_source(source: str) -> CheckOutcome:
    """Check a file or folder; of one that has the day in its name, the folder above the day."""
    fixed = source.partition("{")[0]
    place = Path(source) if fixed == source else Path(f"{fixed}x").parent
    if place.exists():
        return CheckOutcome(say("{source}: is there", source=place))
    to_do = say("create or mount it, or correct daily.sources or daily.manifest in qareport.yaml")
    return CheckOutcome(Problem(what=say("no such file or folder"), where=str(place), to_do=to_do), Level.FAULT)


def _check_mail(workspace: Workspace) -> Iterator[CheckOutcome]:
    mail = workspace.settings.mail
    if not mail.host:
        yield CheckOutcome(say("mail.host is not set: no report is mailed; fill in the section mail"), Level.HINT)
        return
    password = read_password(mail)
    Transport(mail, password).close()
    yield CheckOutcome(
        say(
            "{host}:{port} ({security}), from {sender}",
            host=mail.host,
            port=mail.port,
            security=mail.security,
            sender=mail.sender,
        )
    )
    if not mail.team and not mail.agents:
        yield CheckOutcome(say("mail.team and mail.agents name nobody: no report is mailed"), Level.HINT)
    if not mail.operator:
        yield CheckOutcome(say("mail.operator names nobody: nobody is told when a run fails"), Level.HINT)


def _check_server(workspace: Workspace) -> Iterator[CheckOutcome]:
    yield from _check_mail(workspace)
    mail = workspace.settings.mail
    if mail.host:
        with Transport(mail, read_password(mail)) as transport:
            transport.connect()
        yield CheckOutcome(say("the server answers and takes the log-in; `qareport mail test ADDRESS` sends a mail"))


def _check_schedule(_: Workspace) -> Iterator[CheckOutcome]:
    if _CRON.exists():
        yield CheckOutcome(say("{file} starts the daily run", file=_CRON))
    elif not Path("/run/systemd/system").is_dir():
        nothing = say("no systemd, and no {file}: nothing starts the daily run (docs/guide/deploy.md)", file=_CRON)
        yield CheckOutcome(nothing, Level.HINT)
    else:
        asked = ["systemctl", "show", _TIMER, "--property=LoadState,ActiveState,NextElapseUSecRealtime"]
        shown = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603 - our own words
        yield judge_timer(dict(line.split("=", 1) for line in shown.splitlines() if "=" in line))


def judge_timer(state: Mapping[str, str]) -> CheckOutcome:
    """Judge the timer of the daily run by what `systemctl show` says of it."""
    if state.get("LoadState") != "loaded":
        missing = say("{timer} is not installed: nothing starts the daily run (docs/guide/deploy.md)", timer=_TIMER)
        return CheckOutcome(missing, Level.HINT)
    if state.get("ActiveState") != "active":
        what = say("{timer} is installed, but does not run", timer=_TIMER)
        return CheckOutcome(Problem(what=what, to_do=Message(f"sudo systemctl enable --now {_TIMER}")), Level.FAULT)
    return CheckOutcome(say("{timer}: next run {next}", timer=_TIMER, next=state.get("NextElapseUSecRealtime", "?")))


_CHECKS: dict[str, Callable[[Workspace], Iterator[CheckOutcome]]] = {
    "engine": _check_engine,
    "cluster": _check_cluster,
    "model": _check_model,
    "fonts": _check_fonts,
    "config": _check_config,
    "rules": _check_rules,
    "templates": _check_templates,
    "store": _check_store,
    "disk": _check_disk,
    "sources": _check_sources,
    "mail": _check_mail,
    "schedule": _check_schedule,
    "desk": check_desk,
    "clock": check_clock,
}
