"""Integrations: requests to other systems that files of the configuration declare."""

from qareport.delivery.integrations.integration import (
    CODES,
    Integration,
    IntegrationForm,
    LookupForm,
    RequestForm,
    load_integrations,
    read_integration,
    split_secret,
)
from qareport.delivery.integrations.requests import RequestOutcome, RequestWriter, WrittenRequest, preview
from qareport.delivery.integrations.sending import ChangingFiles, IntegrationTries, keep_integrations

__all__ = [
    "CODES",
    "ChangingFiles",
    "Integration",
    "IntegrationForm",
    "IntegrationTries",
    "LookupForm",
    "RequestForm",
    "RequestOutcome",
    "RequestWriter",
    "WrittenRequest",
    "keep_integrations",
    "load_integrations",
    "preview",
    "read_integration",
    "split_secret",
]
