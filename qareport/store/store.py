"""The store: one repository for each thing that is kept, over one database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, Self

from qareport.store.alerts import AlertRepository
from qareport.store.appeals import AppealRepository
from qareport.store.audit import AuditLog
from qareport.store.call_pages import CallPages
from qareport.store.calls import CallRepository, DocumentRepository, OrderRepository
from qareport.store.corrections import CorrectionRepository
from qareport.store.database import Database
from qareport.store.deletion import DeletionRepository, Maintenance
from qareport.store.exports import ExportRepository
from qareport.store.idempotency import AnswerRepository
from qareport.store.jobs import JobRepository
from qareport.store.live_calls import LiveCallRepository, LiveTicketRepository
from qareport.store.outbox import OutboxRepository, RunRepository
from qareport.store.qa_pairs import QaPairRepository
from qareport.store.results import ResultRepository, TranscriptRepository
from qareport.store.reviews import ReviewRepository
from qareport.store.rule_proposals import RuleProposalRepository
from qareport.store.rule_sets import RuleSetRepository
from qareport.store.search_index import SearchIndex
from qareport.store.summaries import SummaryRepository
from qareport.store.users import SessionRepository, TeamRepository, TokenRepository, UserRepository
from qareport.store.webhook_queue import WebhookQueue
from qareport.store.webhooks import WebhookRepository


class Store:
    """An open store. Use it as a context manager, or call `close`.

    Each method of its repositories is one transaction: after a kill the store holds either all of it or nothing of it.
    One store may be used by several threads at once, and by several processes.
    """

    def __init__(self, url: str, *, make: bool = True) -> None:
        """Open a store.

        Args:
            url: an SQLAlchemy URL, for example `sqlite:///qareport.db` or `postgresql://user:password@host/database`.
            make: make the store when there is none; for read-only use, a wrong name is an error and leaves nothing
                behind.

        Raises:
            StoreError: no such place, no permission, not a store, or a store of a newer version.
            NoStoreError: there is none, and none is to be made.
        """
        self.database: Final = Database(url, make=make)
        #: Without its password.
        self.url: Final = self.database.url
        self.calls: Final = CallRepository(self.database)
        self.call_pages: Final = CallPages(self.database)
        self.transcripts: Final = TranscriptRepository(self.database)
        self.results: Final = ResultRepository(self.database)
        self.summaries: Final = SummaryRepository(self.database)
        self.rule_sets: Final = RuleSetRepository(self.database)
        self.orders: Final = OrderRepository(self.database)
        self.documents: Final = DocumentRepository(self.database)
        self.search_index: Final = SearchIndex(self.database)
        self.outbox: Final = OutboxRepository(self.database)
        self.runs: Final = RunRepository(self.database)
        self.users: Final = UserRepository(self.database)
        self.teams: Final = TeamRepository(self.database)
        self.sessions: Final = SessionRepository(self.database)
        self.tokens: Final = TokenRepository(self.database)
        self.audit: Final = AuditLog(self.database)
        self.jobs: Final = JobRepository(self.database)
        self.exports: Final = ExportRepository(self.database)
        self.corrections: Final = CorrectionRepository(self.database)
        self.answers: Final = AnswerRepository(self.database)
        self.reviews: Final = ReviewRepository(self.database)
        self.appeals: Final = AppealRepository(self.database)
        self.rule_proposals: Final = RuleProposalRepository(self.database)
        self.webhooks: Final = WebhookRepository(self.database)
        self.webhook_queue: Final = WebhookQueue(self.database)
        self.live_calls: Final = LiveCallRepository(self.database)
        self.live_tickets: Final = LiveTicketRepository(self.database)
        self.alerts: Final = AlertRepository(self.database)
        self.qa_pairs: Final = QaPairRepository(self.database)
        self.deletion: Final = DeletionRepository(self.database)
        self.maintenance: Final = Maintenance(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def lock(self) -> AbstractContextManager[None]:
        """Hold the one lock of daily runs and deliveries inside a block; it ends with the process at the latest.

        Raises:
            BusyError: another process holds it; the error says which.
        """
        return self.database.lock()
