"""What routes take from a request: the desk, and the access of who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from qareport.messages import say
from qareport.web.access import Access, Principal, UnauthenticatedError
from qareport.web.desk import Desk


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def require_principal(request: Request) -> Principal:
    """Return who is asking.

    Raises:
        UnauthenticatedError: nobody is logged in.
    """
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        raise UnauthenticatedError(say("you are not logged in"))
    return principal


def _access(request: Request) -> Access:
    return Access(_desk(request), require_principal(request))


#: The desk, for routes that anyone may use.
AnyDesk = Annotated[Desk, Depends(_desk)]
#: The desk as the person who is asking may see it; nobody: the log-in page, or 401.
MyAccess = Annotated[Access, Depends(_access)]
