"""Run the desk: where it may listen, the link of the first start, and the server."""

from __future__ import annotations

import contextlib
import gc
import logging
import socket
import sys
import threading
from pathlib import Path
from typing import Final

import uvicorn

from qareport.errors import ConfigError, Problem
from qareport.messages import say
from qareport.settings import DeskSettings
from qareport.web.app import create_app
from qareport.web.desk import Desk
from qareport.web.health import is_loopback
from qareport.web.processes import give_memory_back, trim, trim_until
from qareport.web.templating import prepare_pages

#: Exit status where the port cannot be opened, as uvicorn's own.
_NOT_STARTED: Final = 3
#: Each look at what can be given back takes a millisecond.
_TRIM_S: Final = 2.0


def check_exposure(desk: DeskSettings, host: str, *, tls: bool, behind_proxy: bool) -> None:
    """Refuse to be reached by other machines without encryption.

    Raises:
        ConfigError: `host` is not this machine alone, and nothing encrypts.
    """
    if is_loopback(host) or tls or behind_proxy or desk.insecure_http:
        return
    problem = Problem(
        what=say("other machines would reach the desk without encryption"),
        where=host,
        expected=say("--tls-cert with --tls-key, or --behind-proxy"),
        to_do=say("or, on a network that you trust, desk.insecure_http: true"),
    )
    raise ConfigError([problem])


def run_server(
    desk: Desk,
    *,
    host: str,
    port: int,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    proxied: bool = False,
) -> None:
    """Serve a desk until the process is told to stop.

    Args:
        desk: what is served.
        host: the address on which it listens.
        port: the port.
        tls_cert: certificate chain (PEM); None: no encryption.
        tls_key: its key.
        proxied: whether X-Forwarded-* of the trusted proxies count.
    """
    give_memory_back()
    logging.getLogger("qareport.web.errors").setLevel(logging.INFO)  # the numbers of faults must be findable
    trusted = list(desk.settings.desk.trusted_proxies) or ["127.0.0.1"]
    app = create_app(desk)
    desk.preparing = True
    threading.Thread(target=_attend, args=(desk,), daemon=True).start()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        proxy_headers=proxied,
        forwarded_allow_ips=trusted,
        ws="websockets-sansio",
        log_config=None,
        access_log=False,  # it would write queries, which name people; `request` events stand for it
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = DeskServer(config, desk)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C: it has ended by then
        server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)


class DeskServer(uvicorn.Server):
    """The server of a desk: when it is told to stop, who listens to a stream is told so, and comes back later."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        await self._desk.live.leave()
        await super().shutdown(sockets)


def _attend(desk: Desk) -> None:
    """Prepare the process for its first pages; then, as long as it runs, give back what its pages have freed."""
    try:
        prepare(desk)
        settle()
    finally:
        desk.preparing = False
    trim_until(threading.Event(), every_s=_TRIM_S)


def prepare(desk: Desk) -> None:
    """Load what the first pages would wait for: the rules, and the templates of pages."""
    with contextlib.suppress(ConfigError):  # the pages about rules say what is wrong with them
        desk.workspace.rule_book  # noqa: B018 - kept from here on
    prepare_pages()


def settle() -> None:
    """Take what was loaded until now for what stays: the collector of garbage does not walk through it any more.

    It is 200,000 objects, a tenth of a second for each complete walk, and until a quarter as many have come since no
    such walk begins: garbage of a few large pages stood about.
    """
    gc.collect()
    gc.freeze()
    trim()
