"""What routes take from a request: the desk, and the access of who is asking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from qareport.errors import ConfigError, Problem
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
        raise UnauthenticatedError(say("you are not logged in"), to_do=say("log in, and do it again"))
    return principal


def _access(request: Request) -> Access:
    return Access(_desk(request), require_principal(request))


async def refuse_unknown(request: Request) -> None:
    """Refuse what an API route does not know: query parameters that it does not take, bodies that are no JSON.

    Raises:
        ConfigError: such a parameter.
        HTTPException: such a body (415).
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = {name for parameter in _queries(route.dependant) for name in _names(parameter)}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        problem = Problem(
            what=say("unknown parameter {name!r}", name=unknown[0][:100]),
            where="query",
            expected=", ".join(sorted(known)),
        )
        raise ConfigError([problem])
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if route.body_field is not None and media_type != "application/json":
        raise HTTPException(415, str(say("this takes application/json")))


def _queries(dependant: Dependant) -> Iterator[ModelField]:
    yield from dependant.query_params
    for further in dependant.dependencies:
        yield from _queries(further)


def _names(parameter: ModelField) -> Iterator[str]:
    """Yield the names of a query parameter, or of the fields of a model of parameters."""
    kind = parameter.field_info.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from (field.alias or name for name, field in kind.model_fields.items())
    else:
        yield parameter.alias


#: The largest number of a row.
_LAST_ROW: Final = (1 << 31) - 1
#: The number of a row in a path: as large as a number can be there.
RowId = Annotated[int, Path(ge=1, le=_LAST_ROW)]
#: The number of the row that a page of a list ended with.
RowPlace = Annotated[int | None, Query(ge=1, le=_LAST_ROW)]
#: The desk, for routes that anyone may use.
AnyDesk = Annotated[Desk, Depends(_desk)]
#: The desk as the person who is asking may see it; nobody: the log-in page, or 401.
MyAccess = Annotated[Access, Depends(_access)]
