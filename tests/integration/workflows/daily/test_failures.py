"""What may be broken in the morning: each is said clearly, nothing is lost, and the next run goes on where it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qareport import cli
from qareport.model import Call, DeliveryState, FailedCall, PeriodKind, RunState
from qareport.store import Store
from tests.support import dailies
from tests.support.centre import NEXT_DAY, Centre


def daily(centre: Centre, *, without_privileges: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; root, too, can be held to permissions."""
    command = [sys.executable, "-m", "qareport", "daily", "--send", "--date", "2026-11-21", *centre.arguments]
    if without_privileges and os.getuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may write everywhere, and setpriv (util-linux) is absent")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    return subprocess.run(command, cwd=centre.folder, capture_output=True, text=True, check=False)


def test_an_output_folder_that_is_read_only_is_told_and_the_next_run_makes_the_documents(centre: Centre) -> None:
    centre.out.mkdir()
    try:
        centre.out.chmod(0o555)
        ran = daily(centre, without_privileges=True)
    finally:
        centre.out.chmod(0o755)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "日报-2026-11-21.html could not be made" in ran.stderr
    assert "Permission denied" in ran.stderr
    assert " partial " in ran.stdout
    assert ("operator", dailies.OPERATOR) in [mail[:2] for mail in centre.mails(DeliveryState.SENT)]
    (result,) = centre.run()
    assert result.state is RunState.DONE
    assert all(path.exists() for path in result.documents)


def test_a_store_that_is_read_only_ends_the_run_with_what_to_do_and_sends_nothing(centre: Centre) -> None:
    place = centre.folder / "place"
    place.mkdir()
    (centre.folder / "store.db").rename(place / "store.db")
    moved = Centre(folder=centre.folder, postbox=centre.postbox, url=f"sqlite:///{place / 'store.db'}")
    try:
        (place / "store.db").chmod(0o444)
        place.chmod(0o555)
        ran = daily(moved, without_privileges=True)
    finally:
        place.chmod(0o755)
        (place / "store.db").chmod(0o644)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert "allow this user to write" in ran.stderr or "check the folder's permissions" in ran.stderr
    assert not centre.postbox.delivered
    (result,) = moved.run()
    assert (result.state, len(centre.postbox.delivered)) == (RunState.DONE, 4)


def test_a_damaged_database_sends_nothing_and_a_backup_brings_the_day_back(
    centre: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "backup.db"
    assert cli.main(["store", "backup", str(backup), "--store", centre.url]) == 0
    path = centre.folder / "store.db"
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    given = ["daily", "--send", "--date", "2026-11-21", *centre.arguments]
    assert cli.main(given) == 2
    assert "bring back the newest backup" in capsys.readouterr().err
    assert not centre.postbox.delivered
    shutil.copy(backup, path)
    assert cli.main(given) == 0
    assert len(centre.postbox.delivered) == 4


def test_rules_that_were_never_good_leave_the_new_calls_unjudged_and_say_so(centre: Centre) -> None:
    with Store(centre.url) as store, store.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM rule_sets")
    rules = centre.folder / "config" / "rules" / "price.yaml"
    good = rules.read_text("utf-8")
    rules.write_text("schema: 1\nrules: [{id: 5}]\n")
    (result,) = centre.run()
    assert result.state is RunState.PARTIAL
    assert "price.yaml:2:" in result.problems[0]
    rules.write_text(good)
    (result,) = centre.run()
    assert (result.state, result.calls) == (RunState.DONE, 8)


def test_a_disk_that_is_full_for_documents_alone_sends_the_figures_and_makes_up_for_them(centre: Centre) -> None:
    """A tmpfs of one page, beside pytest's own folder, and unmounted whatever happens."""
    if os.getuid() != 0:
        pytest.skip("only root may mount")
    place = Path(f"/tmp/qareport-full-{os.getpid()}")  # noqa: S108 - a mount must not stay in pytest's folder
    place.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "qareport-test", str(place)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no tmpfs may be mounted here")
        centre.set("daily", out=str(place))
        (result,) = centre.run()
        assert result.state is RunState.PARTIAL
        assert any("No space left on device" in problem for problem in result.problems)
        assert not [path for path in place.rglob("*") if path.is_file()], "no half document stays"
    finally:
        subprocess.run(["umount", str(place)], capture_output=True, check=False)
        place.rmdir()
    centre.set("daily", out=str(centre.out))
    (result,) = centre.run()
    assert result.state is RunState.DONE
    assert all(path.exists() for path in result.documents)


# --- clocks -----------------------------------------------------------------------------------------------------------


def put_failed(store: Store, name: str, started_at: datetime) -> None:
    call = Call(call_id=name, audio_path=f"{name}.wav", started_at=started_at)
    store.calls.put_failure(call, FailedCall.of(call, "decode", "empty"), key="k")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Asia/Shanghai", "2026-11-01", 24),
        ("Asia/Shanghai", "2026-12-31", 24),
    ],
)
def test_every_call_of_a_day_on_which_clocks_change_is_in_one_report_and_in_one_alone(
    either_centre: Centre, zone: str, day: str, hours: int
) -> None:
    either_centre.configure(team=["a@example.com"], agents={}, attach=[])
    either_centre.set("period", time_zone=zone)
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    first = midnight.astimezone(UTC)
    with Store(either_centre.url) as store:
        for hour in range(-24, 48):
            put_failed(store, f"h{hour:+03d}", first + timedelta(hours=hour))
        put_failed(store, "last", first + timedelta(hours=hours) - timedelta(microseconds=1))
    found = {}
    for offset in (-1, 0, 1):
        (result,) = either_centre.run(day=(midnight + timedelta(days=offset)).date())
        found[offset] = result.failed_calls
    assert found[0] == hours + 1
    assert found[-1] == 24
    assert found[1] == min(24, 48 - hours)


@pytest.mark.parametrize(
    ("kind", "now", "first", "name"),
    [
        (PeriodKind.WEEK, "2027-01-04T07:00:00+08:00", "2026-12-28", "周报-2026-W53.html"),
        (PeriodKind.WEEK, "2026-01-05T07:00:00+08:00", "2025-12-29", "周报-2026-W01.html"),
        (PeriodKind.MONTH, "2027-01-01T00:00:00+08:00", "2026-12-01", "月报-2026-12.html"),
        (PeriodKind.MONTH, "2028-03-01T07:00:00+08:00", "2028-02-01", "月报-2028-02.html"),
        (PeriodKind.DAY, "2027-01-01T07:00:00+08:00", "2026-12-31", "日报-2026-12-31.html"),
    ],
)
def test_the_turn_of_a_year_and_the_end_of_a_month_are_in_the_report_that_they_belong_to(
    centre: Centre, kind: PeriodKind, now: str, first: str, name: str
) -> None:
    centre.configure(team=["a@example.com"], agents={}, attach=["html"])
    begin, end = (datetime.fromisoformat(f"{first}T00:00:00+08:00"), datetime.fromisoformat(now))
    end = end.replace(hour=0, minute=0)
    with Store(centre.url) as store:
        for label, instant in (
            ("before", begin - timedelta(seconds=1)),
            ("first", begin),
            ("last", end - timedelta(seconds=1)),
            ("after", end),
        ):
            put_failed(store, label, instant)
    (result,) = centre.run(day=None, now=datetime.fromisoformat(now), kind=kind)
    assert (result.period.first.isoformat(), result.failed_calls) == (first, 2)
    assert [path.name for path in result.documents if path.suffix == ".html"] == [name]


def test_a_clock_that_jumps_back_during_the_day_sends_nothing_twice_and_leaves_nothing_waiting(
    either_centre: Centre,
) -> None:
    either_centre.postbox.fault = lambda stage, who: (0.0, "451 later" if stage == "rcpt" else "")
    (result,) = either_centre.run()
    assert [mail.state for mail in result.mails if mail.kind == "report"] == [DeliveryState.RETRY] * 4
    either_centre.postbox.fault = lambda stage, who: (0.0, "")
    either_centre.run(now=NEXT_DAY - timedelta(hours=5))
    either_centre.run(now=NEXT_DAY - timedelta(hours=6))
    recipients = [
        message.recipient for message in either_centre.postbox.delivered if message.recipient != dailies.OPERATOR
    ]
    assert sorted(recipients) == sorted([*dailies.TEAM, *dailies.AGENTS.values()])
