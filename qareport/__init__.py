"""qareport: quality reports from customer-service calls."""

from __future__ import annotations

__version__ = "0.1.0"
