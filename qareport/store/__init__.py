"""The store: calls, transcripts, results, rule sets, deliveries and more. The only importer of the database library."""

from qareport.store.alerts import AlertQuery
from qareport.store.call_lists import MOST_COUNTED
from qareport.store.call_pages import CallPage, CallPageQuery, ListedCall, Sort
from qareport.store.calls import CallCounts, CallFilter, OrderRecord
from qareport.store.database import Database, holder
from qareport.store.idempotency import KeptAnswer
from qareport.store.live_calls import TICKET_LASTS
from qareport.store.outbox import FinishedPeriod, SentMail
from qareport.store.qa_pairs import GroupedText, GroupPlace, MinedCall
from qareport.store.results import CallRecord, StoredCall
from qareport.store.search_index import SearchExtent
from qareport.store.store import Store
from qareport.store.users import Login
from qareport.store.word_index import Scope

__all__ = [
    "MOST_COUNTED",
    "TICKET_LASTS",
    "AlertQuery",
    "CallCounts",
    "CallFilter",
    "CallPage",
    "CallPageQuery",
    "CallRecord",
    "Database",
    "FinishedPeriod",
    "GroupPlace",
    "GroupedText",
    "KeptAnswer",
    "ListedCall",
    "Login",
    "MinedCall",
    "OrderRecord",
    "Scope",
    "SearchExtent",
    "SentMail",
    "Sort",
    "Store",
    "StoredCall",
    "holder",
]
