"""Mail: composed from a period's report, sent over SMTP. The only importer of smtplib."""

from qareport.delivery.mail.compose import (
    HTML_TEMPLATE,
    TEXT_TEMPLATE,
    Attachment,
    Content,
    Fitted,
    Purpose,
    compose,
    fill,
    fit,
    message_id,
)
from qareport.delivery.mail.smtp import Transport, read_password
from qareport.delivery.mail.view import (
    MailView,
    attachment_name,
    desk_view,
    headline,
    period_view,
    run_view,
    short_period,
    test_view,
)

__all__ = [
    "HTML_TEMPLATE",
    "TEXT_TEMPLATE",
    "Attachment",
    "Content",
    "Fitted",
    "MailView",
    "Purpose",
    "Transport",
    "attachment_name",
    "compose",
    "desk_view",
    "fill",
    "fit",
    "headline",
    "message_id",
    "period_view",
    "read_password",
    "run_view",
    "short_period",
    "test_view",
]
