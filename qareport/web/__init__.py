"""The desk: web pages and an HTTP API over an installation. `create_app` makes the application that a server runs.

It never imports torch: recordings are heard by another process. Everything that a person may see or do is decided in
`qareport.web.access`, through which alone the store is reached.
"""

from qareport.web.app import create_app
from qareport.web.desk import Desk

__all__ = ["Desk", "create_app"]
