"""The daily run: finds the calls of a day, does what is missing, makes the documents, sends the mails."""

from qareport.delivery import Clock, DispatchResult, post, send_test
from qareport.workflows.daily.context import DailyOptions, Mode, Result, period_name, summary
from qareport.workflows.daily.run import run_daily

__all__ = [
    "Clock",
    "DailyOptions",
    "DispatchResult",
    "Mode",
    "Result",
    "period_name",
    "post",
    "run_daily",
    "send_test",
    "summary",
]
