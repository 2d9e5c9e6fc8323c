"""Deliveries: the loop that sends what is due in the outbox, and the channels that it sends over."""

from qareport.delivery.mail.channel import MailChannel, post, send_test
from qareport.delivery.outbox import Channel, Clock, DispatchResult, RetryPolicy, dispatch

__all__ = ["Channel", "Clock", "DispatchResult", "MailChannel", "RetryPolicy", "dispatch", "post", "send_test"]
