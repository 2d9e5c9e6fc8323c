"""`/orders/{order_id}`: all calls of an order in time; and the documents of orders and calls."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qareport.report import build_view
from qareport.web import documents
from qareport.web.dependencies import MyAccess
from qareport.web.templating import render

router = APIRouter()


@router.get("/orders/{order_id:path}/document.{format}")
def load_order_document(access: MyAccess, order_id: str, format: str) -> Response:
    """Make a document of an order."""
    order = access.order(order_id)
    return documents.download(access, order, format, object=f"order:{order_id}", locale=documents.readers_locale())


@router.get("/calls/{call_id:path}/document.{format}")
def load_call_document(access: MyAccess, call_id: str, format: str) -> Response:
    """Make a document of one call."""
    access.call(call_id)
    order = access.order(call_id, call_id=call_id)
    return documents.download(access, order, format, object=f"call:{call_id}", locale=documents.readers_locale())


@router.get("/orders/{order_id:path}")
def show_order(request: Request, access: MyAccess, order_id: str) -> Response:
    """Show an order: its calls in time, and how the customer's mood went from one to the next."""
    order = access.order(order_id, compared=False)
    view = build_view(order, access.desk.settings.report)
    calls = list(zip(order.calls, view.calls, strict=True))
    return render(request, "order.html.j2", order=order, view=view, calls=calls)
