"""The daily run: finds the calls of a day, does what is missing, makes the documents, sends the mails."""

from qareport.daily.request import Mode, Request, Result, period_name
from qareport.daily.run import run_daily, summary
from qareport.daily.sending import Clock, Posted, post, send_test

__all__ = ["Clock", "Mode", "Posted", "Request", "Result", "period_name", "post", "run_daily", "send_test", "summary"]
