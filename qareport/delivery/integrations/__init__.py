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
from qareport.delivery.integrations.requests import RequestOutcome, RequestWriter, WrittenRequest

__all__ = [
    "CODES",
    "Integration",
    "IntegrationForm",
    "LookupForm",
    "RequestForm",
    "RequestOutcome",
    "RequestWriter",
    "WrittenRequest",
    "load_integrations",
    "read_integration",
    "split_secret",
]
