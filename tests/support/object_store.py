"""A real server of S3-compatible storage on loopback, of the test's own."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BUCKET = "calls"
#: What the client signs with; no message may hold the second.
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-K7MDENG-bPxRfiCY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStore:
    """A running server with one bucket."""

    address: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which its clients find it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.address,
        }

    def put(self, name: str, content: bytes) -> None:
        self._files().pipe_file(f"{BUCKET}/{name}", content)

    def delete(self, name: str) -> None:
        self._files().rm_file(f"{BUCKET}/{name}")

    def trust_nobody(self) -> None:
        """Ask for valid keys from now on; it knows none."""
        self._tell("reset-auth", b"0")

    def empty(self) -> None:
        """Begin anew, with an empty bucket, and trust everybody."""
        self._tell("reset-auth", b"1000000000")
        self._tell("reset", b"")
        self._files().mkdir(BUCKET)

    def _tell(self, what: str, value: bytes) -> None:
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=30)
        connection.request("POST", f"/moto-api/{what}", body=value)
        assert connection.getresponse().status == 200
        connection.close()

    @contextmanager
    def rewriting(self, name: str, size: int) -> Iterator[None]:
        """Write an object again and again, each time other bytes."""
        stopping = threading.Event()

        def write() -> None:
            number = 0
            while not stopping.is_set():
                number += 1
                self.put(name, bytes([number % 256]) * size)

        self.put(name, b"\xff" * size)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            stopping.set()
            writer.join()

    def _files(self) -> Any:
        import s3fs

        return s3fs.S3FileSystem(key=KEY_ID, secret=SECRET, endpoint_url=self.address, use_listings_cache=False)


@contextmanager
def running() -> Iterator[ObjectStore]:
    """Run a server."""
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield ObjectStore(address=f"http://{host}:{port}")
    finally:
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()
