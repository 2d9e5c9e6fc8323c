"""SMTP connections on which no reply takes longer than the time-out: smtplib bounds each piece of a reply alone."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading


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

    def _cut(self) -> None:
        self._is_late = True
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it has been closed meanwhile
                self.sock.shutdown(socket.SHUT_RDWR)


class BoundedSslSmtp(BoundedSmtp, smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""
