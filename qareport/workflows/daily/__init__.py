"""The daily run: finds the calls of a day, does what is missing, makes the documents, sends the mails."""

from qareport.delivery.outbox import Clock, Posted, post, send_test
from qareport.workflows.daily.options import DailyOptions, Mode
from qareport.workflows.daily.record import Result, period_name, summary
from qareport.workflows.daily.run import run_daily

__all__ = [
    "Clock",
    "DailyOptions",
    "Mode",
    "Posted",
    "Result",
    "period_name",
    "post",
    "run_daily",
    "send_test",
    "summary",
]
