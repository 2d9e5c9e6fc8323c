"""The application: middleware, errors, static files, pages and API."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from qareport import __version__
from qareport.web import errors, health
from qareport.web.api import rules as rules_api
from qareport.web.api import uploads
from qareport.web.desk import Desk
from qareport.web.middleware import DeskMiddleware
from qareport.web.pages import account, calls, login, rules, sound, upload

_STATIC = Path(__file__).parent / "static"


def create_app(desk: Desk) -> FastAPI:
    """Make the application of a desk; an ASGI server runs it."""
    app = FastAPI(title="qareport", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    errors.install(app)
    for pages in (login, account, sound, calls, upload, rules):
        app.include_router(pages.router, include_in_schema=False)
    app.include_router(uploads.router)
    app.include_router(rules_api.router)
    app.include_router(health.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_middleware(DeskMiddleware, desk=desk)
    return app
