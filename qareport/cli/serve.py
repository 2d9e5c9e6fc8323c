"""`qareport serve`: the desk in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qareport.cli.console import Options, notify, takes_options
from qareport.errors import ConfigError, Problem
from qareport.messages import say

if TYPE_CHECKING:
    from qareport.web import Desk


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on [desk.host].")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on [desk.port].")
@click.option("--tls-cert", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Certificates (PEM).")
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="Key of the certificate.")
@click.option("--behind-proxy", is_flag=True, help="A proxy encrypts and forwards; see desk.trusted_proxies.")
@takes_options
def serve(
    options: Options,
    host: str | None,
    port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
) -> int:
    """Open the desk in a browser: calls, findings, reports and rules for everyone who has a login.

    The first start prints a link that makes the first administrator.
    """
    if (tls_cert is None) != (tls_key is None):
        raise ConfigError([Problem(what=say("--tls-cert and --tls-key belong together"))])
    _require_extra()
    from qareport.web import Desk
    from qareport.web.serving import check_exposure, run_server

    with options.open_workspace(make_store=True) as workspace:
        settings = workspace.settings.desk
        host, port = host or settings.host, port or settings.port
        check_exposure(settings, host, tls=tls_cert is not None, behind_proxy=behind_proxy)
        desk = Desk(workspace)
        address = settings.public_url or f"{'https' if tls_cert else 'http'}://{host}:{port}"
        _greet(desk, address)
        run_server(desk, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, proxied=behind_proxy)
    return 0


def _require_extra() -> None:
    try:
        import fastapi  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        problem = Problem(what=say("the desk is not installed"), to_do="pip install 'qareport[desk]'")
        raise ConfigError([problem]) from error


def _greet(desk: Desk, address: str) -> None:
    if desk.store.users.count() == 0:
        notify(str(say("Open this link within 15 minutes to make the first administrator:")))
        notify(f"{address}/setup?ticket={desk.make_ticket()}")
    else:
        notify(str(say("The desk is open at {address}", address=address)))
