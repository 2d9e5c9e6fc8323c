"""Deliveries: the loops that send what is due, the channels that they send over, and requests to webhooks."""

from qareport.delivery.desk_key import DeskKey
from qareport.delivery.mail.channel import MailChannel, post, send_test
from qareport.delivery.operator_notice import tell_operator
from qareport.delivery.outbox import Channel, Clock, DispatchResult, RetryPolicy, dispatch
from qareport.delivery.webhook_sender import WebhookSender
from qareport.delivery.webhooks import TRIES_S, WebhookTries, failed, read_answer, retry_after, secret_of, sign, why_off

__all__ = [
    "TRIES_S",
    "Channel",
    "Clock",
    "DeskKey",
    "DispatchResult",
    "MailChannel",
    "RetryPolicy",
    "WebhookSender",
    "WebhookTries",
    "dispatch",
    "failed",
    "post",
    "read_answer",
    "retry_after",
    "secret_of",
    "send_test",
    "sign",
    "tell_operator",
    "why_off",
]
