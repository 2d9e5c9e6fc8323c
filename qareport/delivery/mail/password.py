"""The password of the mail server: from the environment or from a file that only its owner may read; never logged."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from qareport.errors import MailError
from qareport.settings import MailSettings

VARIABLE = "QAREPORT_SMTP_PASSWORD"


def read_password(settings: MailSettings, environment: Mapping[str, str] = os.environ) -> str:
    """Return the password, "" when there is no user to log in.

    Raises:
        MailError: a user without a password, or a file that cannot be read, that others may read, or that is empty.
    """
    if not settings.user:
        return ""
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    if not settings.password_file:
        raise MailError(
            f"mail.user is {settings.user!r}, but there is no password",
            where="mail",
            to_do=f"set the environment variable {VARIABLE}, or mail.password_file to a file with mode 0600",
        )
    path = Path(settings.password_file).expanduser()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise MailError(f"cannot be read: {error.strerror}", where=str(path), expected="the mail password") from error
    with os.fdopen(descriptor, encoding="utf-8") as file:
        _check(os.fstat(file.fileno()), path)  # of the file that is open, not of one put there since
        try:
            password = file.read(4096).rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise MailError("is not text in UTF-8", where=str(path), expected="the mail password") from error
    if not password or "\n" in password:
        raise MailError("holds no password", where=str(path), expected="one line")
    return password


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise MailError("is not a file", where=str(path), expected="a file that holds the mail password")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise MailError(
            f"others may read it (mode {mode:04o})", where=str(path), expected="mode 0600", to_do=f"chmod 600 {path}"
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise MailError(
            f"belongs to another user ({status.st_uid})", where=str(path), to_do=f"chown {os.geteuid()} {path}"
        )
