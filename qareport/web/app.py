"""The application: middleware, errors, static files, pages and API."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from qareport import __version__
from qareport.web import errors, health, reference
from qareport.web.api import call_tools as call_tools_api
from qareport.web.api import exports as exports_api
from qareport.web.api import live as live_api
from qareport.web.api import people as people_api
from qareport.web.api import qa as qa_api
from qareport.web.api import reading, uploads
from qareport.web.api import review as review_api
from qareport.web.api import rules as rules_api
from qareport.web.api import webhooks as webhooks_api
from qareport.web.background import lifespan_of
from qareport.web.dependencies import refuse_unknown
from qareport.web.desk import Desk
from qareport.web.idempotency import IdempotencyMiddleware
from qareport.web.middleware import DeskMiddleware
from qareport.web.pages import (
    account,
    agents,
    appeals,
    audit,
    board,
    call_tools,
    calls,
    exports,
    heat,
    integrations,
    login,
    oidc,
    orders,
    qa,
    reports,
    review,
    rules,
    settings,
    sound,
    today,
    upload,
    webhooks,
)
from qareport.web.templating import STATIC


def create_app(desk: Desk) -> FastAPI:
    """Make the application of a desk; an ASGI server runs it."""
    app = FastAPI(
        title="qareport",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan_of(desk),
    )
    app.state.desk = desk
    errors.install(app)
    everything = (
        login, oidc, account, today, board, sound, orders, review, qa, appeals, call_tools, calls, exports, heat,
        reports, agents, rules, upload, webhooks, integrations, settings, audit,
    )  # fmt: skip
    for pages in everything:
        app.include_router(pages.router, include_in_schema=False)
    app.include_router(reference.router, include_in_schema=False)
    add_api(app)
    app.include_router(health.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    reference.install(app)
    app.add_middleware(IdempotencyMiddleware, desk=desk)
    app.add_middleware(DeskMiddleware, desk=desk)
    return app


def add_api(app: FastAPI) -> None:
    """Give an application the routes of the API."""
    for api in (
        uploads, review_api, qa_api, rules_api, people_api, call_tools_api, exports_api, webhooks_api, live_api,
        reading,
    ):  # fmt: skip
        app.include_router(api.router, dependencies=[Depends(refuse_unknown)])
