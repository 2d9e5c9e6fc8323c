"""Mail: composed from a period's report, sent over SMTP. The only importer of smtplib."""

from qareport.mail.attaching import Attachment, Fitted, fit
from qareport.mail.composing import HTML_TEMPLATE, TEXT_TEMPLATE, Content, Purpose, compose, fill, message_id
from qareport.mail.secret import VARIABLE, read_password
from qareport.mail.transport import Transport
from qareport.mail.view import attachment_name, failure_view, period_view, test_view
from qareport.mail.viewdata import MailView

__all__ = [
    "HTML_TEMPLATE",
    "TEXT_TEMPLATE",
    "VARIABLE",
    "Attachment",
    "Content",
    "Fitted",
    "MailView",
    "Purpose",
    "Transport",
    "attachment_name",
    "compose",
    "failure_view",
    "fill",
    "fit",
    "message_id",
    "period_view",
    "read_password",
    "test_view",
]
