"""One store, used by many threads at once: nothing is lost, nobody is refused, and one lock is one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy

from qareport import periods
from qareport.errors import BusyError
from qareport.model import MAIL, Delivery, DeliveryState, Edition, FailedCall, Outcome
from qareport.search import parse
from qareport.store import Store
from tests.support.store_samples import fill, make_call, put_result

THREADS = 8
ROUNDS = 4
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def at_once(work: Callable[[int], None], threads: int = THREADS) -> None:
    """Run work in threads that begin together; raises what any of them raises."""
    begin = threading.Barrier(threads)

    def run(number: int) -> None:
        begin.wait()
        work(number)

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(run, number) for number in range(threads)]:
            future.result()


def mail_to(recipient: str) -> Delivery:
    return Delivery(
        channel=MAIL, edition=Edition.TEAM, recipient=recipient, period="day:2026-11-20", kind="report",
        subject="", message_id="<m>", content=b"text",
    )  # fmt: skip


def test_threads_read_and_write_through_one_store_and_nothing_is_lost(store_url: str) -> None:
    with Store(store_url) as store:

        def work(thread: int) -> None:
            for number in range(ROUNDS):
                name = f"t{thread}-{number:02d}"
                fill(store, make_call(name, order_id="shared"), audio=chr(ord("a") + thread))
                assert store.results.get(name).call_id == name
                failed = make_call(f"{name}-failed", order_id=f"o{thread}")
                store.calls.put_failure(failed, FailedCall.of(failed, "decode", "empty file"), key="k")
                assert store.calls.find_failure(failed.call_id, "k") is not None
                (mail,) = store.outbox.put([mail_to(name)], now=NOW)
                assert store.outbox.begin(mail.key, now=NOW)
                store.outbox.end(mail.key, Outcome(state=DeliveryState.SENT, reply="250"), now=NOW)
                answer = store.search_index.search(parse(f"call:{name} 收货", time_zone="UTC"))
                assert [hit.call_id for hit in answer.hits] == [name]

        at_once(work)
        every = THREADS * ROUNDS
        counts = store.calls.count()
        assert (counts.judged, counts.failed, counts.waiting) == (every, every, 0)
        assert len(store.orders.get("shared").reports) == every
        assert store.outbox.count() == {DeliveryState.SENT: every}
        assert len(list(store.results.list_snapshots())) == every
        assert store.search_index.search(parse("收货", time_zone="UTC")).calls == every
        assert list(store.maintenance.verify()) == []


def test_threads_that_put_the_same_call_leave_one_result_of_it(store_url: str) -> None:
    with Store(store_url) as store:

        def work(thread: int) -> None:
            for number in range(ROUNDS):
                put_result(store, make_call("same"), key=f"key-{thread}-{number}")

        at_once(work)
        assert store.calls.count().total == 1
        assert len(store.orders.get("o1").reports) == 1
        assert store.search_index.count_missing() == 0


def test_threads_that_ask_for_the_same_period_at_once_make_its_summaries_once_for_all(store_url: str) -> None:
    with Store(store_url) as store:
        for number in range(ROUNDS):
            put_result(store, make_call(f"c{number}"))
        start = make_call("c").started_at
        assert start is not None

        def work(_: int) -> None:
            summaries = store.summaries.list(start, start + timedelta(hours=1), summarise=periods.summarise_call)
            assert len(summaries) == ROUNDS

        at_once(work)


def test_one_of_many_threads_begins_a_delivery(store_url: str) -> None:
    with Store(store_url) as store:
        (mail,) = store.outbox.put([mail_to("li@example.com")], now=NOW)
        begun: list[bool] = []
        at_once(lambda _: begun.append(store.outbox.begin(mail.key, now=NOW)))
        assert sorted(begun) == [False] * (THREADS - 1) + [True]


def test_more_threads_than_connections_wait_for_each_other(store_url: str) -> None:
    with Store(store_url) as store:

        def work(thread: int) -> None:
            put_result(store, make_call(f"c{thread}"))
            assert store.calls.has_result(f"c{thread}")

        at_once(work, threads=48)
        assert store.calls.count().judged == 48


def test_a_thread_may_read_while_another_one_walks_through_all_results(store_url: str) -> None:
    with Store(store_url) as store:
        for number in range(ROUNDS):
            put_result(store, make_call(f"c{number}"))
        walk = store.results.list_snapshots()
        assert next(walk).call_id == "c0"
        put_result(store, make_call("later"))
        assert len(list(walk)) == ROUNDS - 1


def test_the_lock_of_a_store_keeps_the_other_threads_of_its_process_out_too(store_url: str) -> None:
    with Store(store_url) as store:
        refused: list[str] = []

        def work(_: int) -> None:
            with pytest.raises(BusyError, match="another run is at work") as raised, store.lock():
                pass
            refused.append(str(raised.value))

        with store.lock():
            at_once(work)
            with ExitStack() as stack, pytest.raises(BusyError):
                stack.enter_context(store.lock())
        assert len(refused) == THREADS
        with store.lock():
            pass


def test_one_after_the_other_reads_with_the_connection_whose_caches_are_warm(tmp_path: Path) -> None:
    used: list[object] = []
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        at_once(lambda _: store.calls.count())  # as many connections as threads
        sqlalchemy.event.listen(store.database.engine, "checkout", lambda connection, *_: used.append(connection))
        for _ in range(10):
            store.calls.count()
    assert len(set(map(id, used))) == 1
