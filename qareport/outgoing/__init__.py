"""HTTP to other machines: where it may go, and the one client that goes there."""

from qareport.outgoing.addresses import OutgoingReach, is_public, place_of, read_allowed
from qareport.outgoing.http_client import (
    HttpAnswer,
    OpenAnswer,
    OutgoingClient,
    OutgoingError,
    OutgoingFault,
    words_of,
)

__all__ = [
    "HttpAnswer",
    "OpenAnswer",
    "OutgoingClient",
    "OutgoingError",
    "OutgoingFault",
    "OutgoingReach",
    "is_public",
    "place_of",
    "read_allowed",
    "words_of",
]
