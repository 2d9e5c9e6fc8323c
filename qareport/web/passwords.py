"""Passwords: argon2id with the parameters that OWASP recommends, and at most two checks at a time.

Each check takes 19 MiB and some 50 ms of a core; more at once would let a stranger exhaust the machine.
"""

from __future__ import annotations

import threading
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from qareport.errors import QareportError
from qareport.messages import say

#: OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1.
_HASHER: Final = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1, type=Type.ID)
_AT_ONCE = threading.BoundedSemaphore(2)
#: Of a password that nobody has: checked for unknown names, so that they take as long as known ones.
_NOBODY: Final = _HASHER.hash("nobody")
#: NIST SP 800-63B: length counts, composition rules do not.
SHORTEST, LONGEST = 10, 200


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password.

    Raises:
        QareportError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise QareportError(
            say("a password of {count} characters", count=len(password)),
            expected=say("{shortest} to {longest} characters", shortest=SHORTEST, longest=LONGEST),
        )
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one whose hash is kept; takes as long where there is none (None)."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _NOBODY, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None
