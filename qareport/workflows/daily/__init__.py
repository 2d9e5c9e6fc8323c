"""The daily run: finds the calls of a day, does what is missing, makes the documents, sends the mails."""

from qareport.delivery import Clock, DispatchResult, post, send_test
from qareport.workflows.daily.request import Mode, Request, Result, period_name
from qareport.workflows.daily.run import run_daily, summary

__all__ = [
    "Clock",
    "DispatchResult",
    "Mode",
    "Request",
    "Result",
    "period_name",
    "post",
    "run_daily",
    "send_test",
    "summary",
]
