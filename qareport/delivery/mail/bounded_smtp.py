"""SMTP connections on which no reply takes longer than the time-out, and whose texts are sent part by part.

smtplib bounds each piece of a reply alone, and a whole text at once.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import threading

_LINE_START_DOT = re.compile(rb"(?m)^\.")
#: Bytes of a text that must be taken within the time-out: a slow line is no dead one.
_PART = 2**16


class BoundedSmtp(smtplib.SMTP):
    """An SMTP connection on which a reply must be there within the time-out; smtplib bounds each piece of it alone.

    A server that is silent, or sends a byte now and then, ends in a TimeoutError: it has not hung up.
    """

    _is_late = False

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply."""
        timer = threading.Timer(self.timeout, self._cut)
        timer.daemon = True
        timer.start()
        try:
            reply = super().getreply()
        except smtplib.SMTPServerDisconnected as error:
            if self._is_late or isinstance(error.__context__, TimeoutError):
                raise TimeoutError("timed out") from error
            raise
        finally:
            timer.cancel()
        if self._is_late:  # what there was of it
            self.close()
            raise TimeoutError("timed out")
        return reply

    def send_text(self, content: bytes) -> None:
        """Send the text of a mail without the dot that ends it; until that dot the server accepts nothing.

        Unlike smtplib's own, this leaves the connection open where it fails: the server's last word can be read.

        Raises:
            OSError: the connection broke, or a part was not taken in time.
        """
        content = _LINE_START_DOT.sub(b"..", content if content.endswith(b"\r\n") else content + b"\r\n")
        for start in range(0, len(content), _PART):
            self._send_part(content[start : start + _PART])

    def send_end(self) -> None:
        """Send the dot that ends a text.

        Raises:
            OSError: the connection broke; whether the server has the dot is not known.
        """
        self._send_part(b".\r\n")

    def _send_part(self, part: bytes) -> None:
        if self.sock is None:
            raise ConnectionResetError("no connection")
        self.sock.sendall(part)

    def _cut(self) -> None:
        self._is_late = True
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it has been closed meanwhile
                self.sock.shutdown(socket.SHUT_RDWR)


class BoundedSslSmtp(BoundedSmtp, smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""
