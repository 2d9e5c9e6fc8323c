"""The store's commands, as they are typed."""

from __future__ import annotations

import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qareport.cli import main
from qareport.delivery import DeskKey
from qareport.model import MAIL, AuditEntry, Call, CallMetrics, CallReport, Delivery, DeliveryState, Edition, JobKind
from qareport.settings import default_dir
from qareport.store import Store
from tests.support.store_samples import fill

METRICS = CallMetrics(
    duration_ms=9, talk_ms=5, non_talk_ms=4, overlap_ms=0, silence_count=0, silence_ms=0, longest_silence_ms=0
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with an old and a new call."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    now = datetime.now(UTC)
    with Store(url) as store:
        for name, began in (("old", now - timedelta(days=40)), ("new", now)):
            call = Call(call_id=name, audio_path=f"{name}.wav", order_id=f"o-{name}", started_at=began)
            report = CallReport(call_id=name, started_at=began, metrics=METRICS)
            store.results.put(f"key-{name}", call, report, rules_sha256="rules")
    return url


@pytest.mark.parametrize(
    "words",
    [
        "report 20261105000042",
        "search 退货",
        "export calls",
        "status",
        "mail list",
        "mail resend 3f2a9c81d0b7",
        "mail forget 3f2a9c81d0b7",
        "rules lint --stored",
        "rules test --from-call C0001 --rule logistics.shipping-doubt",
        "rules explain C0001",
        "rules replay",
        "store check",
        "store backup copy.db",
        "store delete --order 20261105000042",
        "store deletions",
        "store retain",
        "store upgrade",
    ],
)
def test_only_commands_that_take_calls_in_make_a_store(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings").mkdir()
    shutil.copytree(default_dir("config"), tmp_path / "settings" / "config")
    (tmp_path / "settings" / "config" / "qareport.yaml").write_text("retention: {days: 30}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main([*words.split(), "--store", "sqlite:///wrong.db", "--config", "settings/config"]) == 2
    assert (
        f"sqlite:///wrong.db: there is no store: {tmp_path / 'wrong.db'} does not exist; expected one that "
        "`qareport run`, `analyse` or `daily` has filled; name it with --store, or run one of these first"
    ) in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]


def test_a_database_without_a_store_in_it_stays_as_it_is(no_store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    if no_store_url.startswith("sqlite"):
        Path(no_store_url.removeprefix("sqlite:///")).touch()
    for _ in range(2):
        assert main(["status", "--store", no_store_url]) == 2
        assert "there is no store: the database holds none" in capsys.readouterr().err


def orders(url: str) -> set[str | None]:
    with Store(url) as store:
        return {
            call.order_id
            for call in store.calls.list(datetime(2000, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        }


def test_check_and_backup_say_what_they_did(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "check", "--store", url]) == 0
    assert "whole" in capsys.readouterr().out
    assert main(["--store", url, "store", "backup", str(tmp_path / "copy.db")]) == 0
    assert orders(f"sqlite:///{tmp_path / 'copy.db'}") == {"o-old", "o-new"}
    assert main(["store", "upgrade", "--store", url]) == 0


def test_the_key_of_the_desk_is_checked_and_backed_up_with_the_store(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, key = tmp_path / "config", tmp_path / "elsewhere" / "key"
    config.mkdir()
    (config / "qareport.yaml").write_text(f"desk: {{key_file: {key}}}\n", "utf-8")
    options = ["--store", url, "--config", str(config)]
    assert main(["store", "check", *options]) == 0
    with Store(url) as store:
        store.webhooks.add("crm", "https://crm.example.com/", at=datetime.now(UTC))
    assert main(["store", "check", *options]) == 1
    assert f"{key}: the desk's key is missing" in capsys.readouterr().err
    made = DeskKey.open(key)
    assert main(["store", "check", *options]) == 0
    assert main(["store", "backup", str(tmp_path / "copy.db"), *options]) == 0
    beside = tmp_path / "copy.db.key"
    assert beside.stat().st_mode & 0o777 == 0o600
    assert DeskKey.open(beside).derive("webhook", 1, 1) == made.derive("webhook", 1, 1)
    key.chmod(0o640)
    assert main(["store", "check", *options]) == 1
    assert "others may read it" in capsys.readouterr().err


def test_a_row_that_cannot_be_read_ends_with_status_1(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlalchemy

    with Store(url) as store, store.database.write() as session:
        session.execute(sqlalchemy.text("UPDATE call_reports SET report = 'no JSON' WHERE call_id = 'old'"))
    assert main(["store", "check", "--store", url]) == 1
    said = capsys.readouterr().err
    assert "result key-old" in said
    assert "run these calls again" in said


def test_an_order_is_deleted_only_when_that_is_confirmed(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    delete = ["store", "delete", "--store", url, "--order", "o-old"]
    assert main([*delete, "--dry-run"]) == 0
    assert "Calls that would be deleted: 1" in capsys.readouterr().err
    assert orders(url) == {"o-old", "o-new"}
    assert main([*delete, "--yes"]) == 0
    assert orders(url) == {"o-new"}
    assert main(["store", "delete", "--store", url]) == 2
    assert "exactly one of" in capsys.readouterr().err


def test_a_deletion_that_nobody_confirms_changes_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    delete = ["store", "delete", "--store", url, "--order", "o-old"]
    for answer, status, said in (
        ("n\n", 0, "Nothing was deleted."),
        ("", 2, "no terminal to confirm on, so nothing was deleted; --yes skips the question"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert main(delete) == status
        assert said in capsys.readouterr().err
        assert orders(url) == {"o-old", "o-new"}
    assert main(["store", "delete", "--store", url, "--order", "o-odl", "--yes"]) == 0
    assert "The store knows no such call (order): there is nothing to delete." in capsys.readouterr().err


def test_who_knows_the_number_finds_the_proof_and_nobody_else_does(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(url) as store:
        store.calls.put(Call(call_id="c", audio_path="c.wav", order_id="o-c", customer_phone="13812345678"))
    assert main(["store", "delete", "--store", url, "--customer", "+86 138-1234-5678", "--yes"]) == 0
    assert main(["store", "delete", "--store", url, "--order", "o-old", "--yes"]) == 0
    assert capsys.readouterr().out.count("The proof: qareport store deletions") == 2
    assert main(["store", "deletions", "--store", url]) == 0
    proofs = capsys.readouterr().out
    assert [(json.loads(line)["by"], json.loads(line)["calls"]) for line in proofs.splitlines()] == [
        ("order", 1),
        ("customer", 1),
    ]
    assert "13812345678" not in proofs
    assert main(["store", "deletions", "--store", url, "--customer", "138 1234 5678"]) == 0
    assert capsys.readouterr().out == proofs.splitlines(keepends=True)[1]
    assert main(["store", "deletions", "--store", url, "--order", "o-new"]) == 0
    assert capsys.readouterr().err == "There was no such deletion.\n"


def test_one_call_is_deleted_with_what_the_desk_keeps_of_it_and_its_order_stays(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sha256 = "d" * 64
    with Store(url) as store:
        for call_id in ("c", "d"):
            fill(store, Call(call_id=call_id, audio_path=f"{call_id}.wav", order_id="o-c"), audio=call_id)
        store.jobs.add(JobKind.UPLOAD, {"call_id": "d", "customer_phone": "13812345678"}, at=datetime.now(UTC))
    (tmp_path / "desk" / "uploads").mkdir(parents=True)
    for name in (f"{sha256}.wav", f"{'c' * 64}.wav"):
        (tmp_path / "desk" / "uploads" / name).write_bytes(b"x")
    assert main(["store", "delete", "--store", url, "--call", "d", "--yes"]) == 0
    assert "1 file of the desk deleted" in capsys.readouterr().out
    assert [path.name[0] for path in (tmp_path / "desk" / "uploads").iterdir()] == ["c"]
    with Store(url) as store:
        assert store.calls.find_order_id("c") == "o-c"
        assert store.jobs.list(JobKind.UPLOAD) == ()
    assert main(["store", "deletions", "--store", url, "--call", "d"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 1
    assert main(["store", "deletions", "--store", url, "--call", "d", "--order", "o-c"]) == 2


def test_retention_deletes_what_is_older_than_the_settings_say(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    assert main(["store", "retain", "--store", url, "--config", str(config)]) == 0
    assert "every call is kept" in capsys.readouterr().err
    (config / "qareport.yaml").write_text("retention: {days: 30}\n", "utf-8")
    assert main(["store", "retain", "--store", url, "--config", str(config), "--dry-run"]) == 0
    assert orders(url) == {"o-old", "o-new"}
    assert main(["store", "retain", "--store", url, "--config", str(config)]) == 0
    assert orders(url) == {"o-new"}


def test_lines_of_the_audit_log_go_after_their_days_whether_calls_do_or_not(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "qareport.yaml").write_text("retention: {audit_days: 30}\n", "utf-8")
    now = datetime.now(UTC)
    with Store(url) as store:
        for days in (60, 31, 29):
            at = now - timedelta(days=days)
            store.audit.record(AuditEntry(at=at, actor="li.min", actor_kind="person", action=f"login.{days}"))
    retain = ["store", "retain", "--store", url, "--config", str(config)]
    assert main([*retain, "--dry-run"]) == 0
    assert "Lines of the audit log: 2 would be deleted." in capsys.readouterr().out
    assert main(retain) == 0
    assert "Lines of the audit log: 2 deleted." in capsys.readouterr().out
    with Store(url) as store:
        assert [line.action for line in store.audit.list()] == ["audit.trim", "login.29"]
        assert store.audit.verify() is None


def test_retention_deletes_a_few_calls_at_a_time_each_lot_with_its_proof(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("qareport.workflows.deletion.AT_ONCE", 2)
    config = tmp_path / "config"
    config.mkdir()
    (config / "qareport.yaml").write_text("retention: {days: 30}\n", "utf-8")
    with Store(url) as store:
        for number in range(4):  # beside the old one, which has no transcript
            call_id, started_at = f"old{number}", datetime(2020, 1, 1 + number, tzinfo=UTC)
            call = Call(call_id=call_id, audio_path="", order_id="o-old", started_at=started_at)
            fill(store, call, audio="pqrs"[number])
    assert main(["store", "retain", "--store", url, "--config", str(config)]) == 0
    assert "Deleted: 5 calls, 5 results, 4 transcripts, 0 documents." in capsys.readouterr().out
    assert orders(url) == {"o-new"}
    with Store(url) as store:
        assert [proof.calls for proof in store.deletion.list_proofs()] == [1, 2, 2]


def test_retention_deletes_the_texts_of_mails_that_were_never_settled(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "qareport.yaml").write_text("retention: {days: 30}\n", "utf-8")
    now = datetime.now(UTC)
    with Store(url) as store:
        for age_days in (31, 29):
            letter = Delivery(
                channel=MAIL,
                edition=Edition.TEAM,
                recipient="team@example.com",
                period=f"day:{age_days}",
                kind="report",
                subject="日报",
                message_id=f"<{age_days}@example.com>",
                content=b"words of customers",
            )
            store.outbox.put([letter], now=now - timedelta(days=age_days))
    assert main(["store", "retain", "--store", url, "--config", str(config), "--dry-run"]) == 0
    assert "Texts of mails that were never settled: 1 would be deleted." in capsys.readouterr().out
    assert main(["store", "retain", "--store", url, "--config", str(config)]) == 0
    assert "Texts of mails that were never settled: 1 deleted." in capsys.readouterr().out
    with Store(url) as store:
        assert {mail.period: mail.state for mail in store.outbox.list()} == {
            "day:31": DeliveryState.FORGOTTEN,
            "day:29": DeliveryState.PLANNED,
        }
