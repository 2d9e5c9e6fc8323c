"""What routes take from a request: the desk, and the access of who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from qareport.web.access import Access
from qareport.web.desk import Desk
from qareport.web.middleware import require_principal


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _access(request: Request) -> Access:
    return Access(_desk(request), require_principal(request))


#: The desk, for routes that anyone may use.
AnyDesk = Annotated[Desk, Depends(_desk)]
#: The desk as the person who is asking may see it; nobody: the log-in page, or 401.
MyAccess = Annotated[Access, Depends(_access)]
