"""Run the desk: where it may listen, the link of the first start, and the server."""

from __future__ import annotations

import ctypes
import ipaddress
import logging
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvicorn

from qareport.errors import ConfigError, Problem
from qareport.messages import say
from qareport.settings import DeskSettings
from qareport.web.app import create_app
from qareport.web.desk import Desk

#: Exit status where the port cannot be opened, as uvicorn's own.
_NOT_STARTED: Final = 3
#: Settings of glibc's allocator (malloc.h): bytes from which on a buffer is mapped for itself, free bytes at the end of
#: the heap from which on they are given back, and how many heaps the threads share.
_ALLOCATION: Final = {"M_MMAP_THRESHOLD": (-3, 131_072), "M_TRIM_THRESHOLD": (-1, 131_072), "M_ARENA_MAX": (-8, 2)}


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


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    config = uvicorn.Config(
        create_app(desk),
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
    with suppress(KeyboardInterrupt):  # Ctrl-C: it has ended by then
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


def give_memory_back() -> bool:
    """Let large buffers go back to the system when they are freed; tells whether the allocator can be asked to.

    By itself glibc maps ever larger buffers within the heap once one has been freed, and what is freed there later
    stays with the process; each of a few dozen threads may also keep a heap of its own.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    return mallopt is not None and all(mallopt(*setting) == 1 for setting in _ALLOCATION.values())
