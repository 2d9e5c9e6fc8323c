"""`qareport serve`: the desk in a browser.

The command is the parent of two processes of its own kind: `--process web` answers browsers and never loads the speech
model, `--process worker` holds the model and hears what is uploaded. The demo has a third, `--process calls`, which
plays bundled calls to the live port.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qareport.cli.console import Options, complain, notify, takes_options
from qareport.cli.language import SpokenCommand
from qareport.errors import ConfigError, Problem
from qareport.messages import say

if TYPE_CHECKING:
    from qareport.web import Desk
    from qareport.web.worker import LivePorts
    from qareport.workflows.workspace import Workspace


@click.command(cls=SpokenCommand)
@click.option("--host", metavar="ADDRESS", help="Address to listen on [desk.host].")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on [desk.port].")
@click.option("--tls-cert", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Certificates (PEM).")
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Key of the certificate.")
@click.option("--behind-proxy", is_flag=True, help="A proxy encrypts and forwards; see desk.trusted_proxies.")
@click.option("--live-port", type=click.IntRange(1, 65535), help="Port for sound of calls that are on [live.port].")
@click.option("--no-live", is_flag=True, help="Hear no calls while they are on.")
@click.option("--no-engine", is_flag=True, help="Hear no uploads: no speech model is loaded.")
@click.option("--demo", is_flag=True, help="Try it: a desk in out/desk over the bundled calls, one user of each role.")
@click.option("--process", type=click.Choice(["web", "worker", "calls"]), hidden=True)
@takes_options
def serve(
    options: Options,
    host: str | None,
    port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    live_port: int | None,
    no_live: bool,
    no_engine: bool,
    demo: bool,
    process: str | None,
) -> int:
    """Open the desk in a browser: calls, findings, reports and rules for everyone who has a login.

    The first start prints a link that makes the first administrator.
    """
    if (tls_cert is None) != (tls_key is None):
        raise ConfigError([Problem(what=say("--tls-cert and --tls-key belong together"))])
    _require_extra()
    # 44 MB and 1 MB in each process: single characters are read alike without them.
    for name in ("PYPINYIN_NO_PHRASES", "PYPINYIN_NO_DICT_COPY"):
        os.environ.setdefault(name, "true")
    rings = False
    if demo:
        rings = not (no_live or no_engine or tls_cert)
        options = _open_demo(options, first=process is None, rings=rings)
    if process == "worker":
        from qareport.web.worker import LivePorts

        ports = None if no_live else LivePorts(host=host or "", port=live_port, tls_cert=tls_cert, tls_key=tls_key)
        return _serve_worker(options, ports)
    if process == "calls":
        return _ring_demo(options, host, live_port)
    from qareport.web.serving import check_exposure, run_server

    with options.open_workspace(make_store=True) as workspace:
        settings = workspace.settings.desk
        host, port = host or settings.host, port or settings.port
        check_exposure(settings, host, tls=tls_cert is not None, behind_proxy=behind_proxy)
        if process is None and (demo or not no_engine):
            workspace.store  # noqa: B018 - made and brought up to date before two processes open it
            names = ("web",) if no_engine else ("web", "worker")
            if not no_engine:
                _say_starting(workspace)
            return _serve_processes((*names, "calls") if rings else names)
        from qareport.web import Desk

        desk = Desk(workspace)
        _greet(desk, settings.public_url or f"{'https' if tls_cert else 'http'}://{host}:{port}")
        run_server(desk, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, proxied=behind_proxy)
    return 0


def _serve_worker(options: Options, live: LivePorts | None) -> int:
    with options.open_workspace() as workspace:
        _say_starting(workspace)
        from qareport.web.worker import run_worker

        run_worker(workspace, live=live and replace(live, host=live.host or workspace.settings.desk.host))
    return 0


def _say_starting(workspace: Workspace) -> None:
    """Say that the worker starts, before the libraries of the engine are read, which takes seconds."""
    from qareport.web.health import SignOfLife

    SignOfLife(state="starting").leave(Path(workspace.settings.desk.folder))


def _ring_demo(options: Options, host: str | None, port: int | None) -> int:
    from qareport.cli.demo_calls import DemoLine, ring_demo

    with options.open_workspace() as workspace:
        known = workspace.settings
        place = f"{_reached(host or known.desk.host)}:{port or known.live.port}"
        ring_demo(DemoLine(store=workspace.store, url=f"ws://{place}/live/pcm"), Path(known.desk.folder))
    return 0


def _reached(host: str) -> str:
    """Return the address under which this machine itself reaches a port that listens on an address."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - is compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _open_demo(options: Options, *, first: bool, rings: bool) -> Options:
    """Make the demo's desk ready in the parent, and print who can log in."""
    from qareport.cli.demo_desk import demo_options, prepare_demo

    options = demo_options(options)
    if first:
        notify(say("Log in as (name, password):"))
        for login in prepare_demo(options):
            notify(f"  {login.name:<12}{login.password}")
        if rings:
            notify(say("Some seconds after the start bundled calls ring, again and again: see the page Live, /board"))
    return options


def _serve_processes(names: Sequence[str]) -> int:
    from qareport.web.processes import Child, Parent

    command = [sys.executable, "-m", "qareport", *sys.argv[1:]]
    children = [Child(name=name, command=[*command, "--process", name]) for name in names]

    def on_end(name: str, status: int, wait_s: float) -> None:
        text = say("{name} ended with {status}; it starts again in {wait:g} s", name=name, status=status, wait=wait_s)
        complain(str(text))

    Parent(children, on_end=on_end).run()
    return 0


def _require_extra() -> None:
    if find_spec("fastapi") is None:
        raise ConfigError([Problem(what=say("the desk is not installed"), to_do=say("pip install 'qareport[desk]'"))])


def _greet(desk: Desk, address: str) -> None:
    if desk.store.users.count() == 0:
        notify(str(say("Open this link within 15 minutes to make the first administrator:")))
        notify(f"{address}/setup?ticket={desk.make_ticket()}")
    else:
        notify(str(say("The desk is open at {address}", address=address)))
