"""A day from the store to the mail, over a real SMTP server; the mails are taken apart by Perl's MIME::Parser."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from qareport import cli, privacy, settings
from qareport.errors import ConfigError, MailError
from qareport.model import Call, DeliveryState, Edition, RunState
from qareport.store import CallFilter, Store
from qareport.workflows.daily import Mode
from tests.support import dailies, postgres
from tests.support.centre import NEXT_DAY, Centre
from tests.support.recordings import cut_recording

_PERL = """
use MIME::Parser; use MIME::Base64; use JSON::PP; use Digest::SHA qw(sha256_hex); use Encode; use Encode::MIME::Header;
my $parser = MIME::Parser->new; $parser->output_to_core(1); $parser->tmp_to_core(1);
my $mail = $parser->parse(\\*STDIN); my $head = $mail->head; my @parts;
sub words { my ($text) = @_; $text =~ s/\\s+$//; $text =~ s/\\n\\s+/ /g; return decode("MIME-Header", $text); }
sub walk { my ($part) = @_; if ($part->parts) { walk($_) for $part->parts; return; }
  my $body = $part->bodyhandle->as_string; my $name = $part->head->recommended_filename // "";
  $name = decode("UTF-8", $name) unless Encode::is_utf8($name);
  my $text = $part->mime_type =~ m{^text/} && $name eq "" ? decode("UTF-8", $body) : "";
  push @parts, {type => $part->mime_type, name => $name, id => words($part->head->get("Content-ID") // ""),
                text => $text, sha256 => sha256_hex($body), body => encode_base64($body)}; }
walk($mail); my %headers = map { $_ => words($head->get($_) // "") }
  ("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe", "Auto-Submitted");
print JSON::PP->new->utf8->encode({headers => \\%headers, parts => \\@parts});
"""
_has_perl = (
    shutil.which("perl") and not subprocess.run(["perl", "-MMIME::Parser", "-e1"], capture_output=True).returncode
)
needs_perl = pytest.mark.skipif(
    not _has_perl and not os.environ.get(postgres.REQUIRE_ALL),
    reason="Perl's MIME::Parser is absent: apt-get install libmime-tools-perl",
)


def take_apart(content: bytes) -> dict[str, Any]:
    """Parse a mail with a second implementation."""
    done = subprocess.run(["perl", "-e", _PERL], input=content, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


# --- what arrives -----------------------------------------------------------------------------------------------------


@needs_perl
def test_the_teams_mail_is_what_another_program_reads_too(centre: Centre) -> None:
    centre.configure(reply_to="主管 <boss@example.com>", attach=["docx", "html"])
    (result,) = centre.run()
    assert result.state is RunState.DONE
    mail = next(message for message in centre.postbox.delivered if message.recipient == dailies.TEAM[0])
    read = take_apart(mail.content)
    assert read["headers"]["From"] == "质检日报 <quality@example.com>"
    assert read["headers"]["To"] == dailies.TEAM[0]
    assert read["headers"]["Subject"] == "物流组客服质检日报 11月21日：8通，高风险4，今天应回电4"
    assert read["headers"]["Reply-To"] == "主管 <boss@example.com>"
    assert read["headers"]["Auto-Submitted"] == "auto-generated"
    assert read["headers"]["List-Unsubscribe"] == "<mailto:boss@example.com?subject=unsubscribe%20qareport>"
    assert read["headers"]["Date"].startswith("Sun, 22 Nov 2026 04:00:00")
    text, html, *documents = read["parts"]
    assert (text["type"], html["type"]) == ("text/plain", "text/html")
    assert text["text"].startswith("8通电话全部听完。高风险4通")
    assert "今天需要回电" in text["text"]
    assert "今天需要回电" in html["text"]
    assert "问题 × 情绪" in html["text"]
    assert [part["name"] for part in documents] == ["客服质检日报-2026-11-21.docx", "客服质检日报-2026-11-21.html"]
    folder = centre.out / "daily" / "day-2026-11-21"
    written = {
        path.suffix: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()
    }
    assert [part["sha256"] for part in documents] == [written[".docx"], written[".html"]]
    assert ".xlsx" in written
    assert "明细表（全部客户、客服、规则、承诺）：日报-2026-11-21.xlsx" in text["text"]


@needs_perl
def test_a_centre_that_speaks_english_gets_english_mails(centre: Centre) -> None:
    centre.configure(attach=["docx"])
    centre.set("report", locale="en", organisation="Logistics")
    (result,) = centre.run()
    assert result.documents[0].name == "daily-2026-11-21.docx"
    mail = next(message for message in centre.postbox.delivered if message.recipient == dailies.TEAM[0])
    read = take_apart(mail.content)
    assert read["headers"]["Subject"] == (
        "Logistics Daily quality report 11-21: 8 calls, 4 at high risk, 4 to call back today"
    )
    text, html, document = read["parts"]
    assert text["text"].startswith("All 8 calls were heard. 4 at high risk;")
    assert "To call back today (4, the most urgent first)" in html["text"]
    assert document["name"] == "Daily quality report-2026-11-21.docx"


def test_the_option_for_the_language_comes_before_the_setting(
    centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["daily", "--date", "2026-11-21", "--config", str(centre.folder / "config"), "--store", centre.url]
    assert cli.main([*arguments, "--locale", "en"]) == 0
    assert "team edition to li.lei@example.com: 物流组 Daily quality report 11-21: 8 calls" in capsys.readouterr().err
    assert cli.main(arguments) == 0
    assert "team edition to li.lei@example.com: 物流组客服质检日报" in capsys.readouterr().err


@needs_perl
def test_an_agents_edition_holds_no_other_agents_call(centre: Centre) -> None:
    centre.configure(attach=["docx"])
    centre.run()
    for agent, address in dailies.AGENTS.items():
        (mail,) = [message for message in centre.postbox.delivered if message.recipient == address]
        read = take_apart(mail.content)
        (name,) = [part["name"] for part in read["parts"] if part["name"].endswith(".docx")]
        assert name == f"客服质检日报-2026-11-21-{agent}.docx"
        (document,) = [base64.b64decode(part["body"]) for part in read["parts"] if part["name"] == name]
        whole = "".join(part["text"] for part in read["parts"]) + _words_of(document) + json.dumps(read["headers"])
        own, others = _orders_of(agent), _orders_of(next(name for name in dailies.AGENTS if name != agent))
        assert any(order in whole for order in own)
        assert not [order for order in others if order in whole]
        assert not [name for name in dailies.AGENTS if name != agent and name in whole]


def _orders_of(agent: str) -> list[str]:
    made = [dailies.transcript(number) for number in range(8)]
    return [name for call in made if call["agent_id"] == agent for name in (call["order_id"], call["call_id"])]


def _words_of(document: bytes) -> str:
    """All XML of a Word document."""
    archive = zipfile.ZipFile(io.BytesIO(document))
    return "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml"))


def test_every_recipient_gets_one_mail_of_the_right_edition(either_centre: Centre) -> None:
    either_centre.run()
    assert either_centre.mails(DeliveryState.SENT) == sorted(
        [("team", address, "report") for address in dailies.TEAM]
        + [("agent", address, "report") for address in dailies.AGENTS.values()]
    )


def test_the_second_run_sends_nothing_and_makes_nothing_anew(centre: Centre) -> None:
    centre.configure(attach=["docx"])
    centre.run()
    times = {path: path.stat().st_mtime_ns for path in centre.out.rglob("*.docx")}
    (result,) = centre.run()
    assert len(centre.postbox.delivered) == 4
    assert {path: path.stat().st_mtime_ns for path in centre.out.rglob("*.docx")} == times
    assert len(times) == 4, "the team's, two agents' and one order's"
    assert result.state is RunState.DONE
    assert composed(centre) == [4, 0]


def composed(centre: Centre) -> list[int]:
    """Return how many mails each run composed, the first run first."""
    with Store(centre.url) as store:
        return [step.count for run in reversed(store.runs.list()) for step in run.steps if step.name == "send"]


def test_a_new_recipient_gets_the_mail_and_the_others_no_second_one(centre: Centre) -> None:
    centre.run()
    centre.set("mail", team=[*dailies.TEAM, "new@example.com"])
    centre.run()
    assert [message.recipient for message in centre.postbox.delivered[4:]] == ["new@example.com"]
    assert composed(centre) == [4, 1]


def test_a_dry_run_writes_the_mails_and_marks_nothing_as_sent(centre: Centre) -> None:
    (result,) = centre.run(Mode.DRY_RUN)
    folder = centre.out / "daily" / "day-2026-11-21" / "mail"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"team-{address}.eml" for address in dailies.TEAM]
        + [f"agent-{address}.eml" for address in dailies.AGENTS.values()]
    )
    assert len(result.letters) == 4
    assert not centre.mails()
    centre.run()
    assert len(centre.postbox.delivered) == 4


def test_a_dry_run_writes_the_operators_mail_too_and_it_says_what_became_of_the_report(centre: Centre) -> None:
    centre.set("daily", sources=[str(centre.folder / "recordings-{date}")])
    (result,) = centre.run(Mode.DRY_RUN)
    path = centre.out / "daily" / "day-2026-11-21" / "mail" / f"operator-{dailies.OPERATOR}.eml"
    text = _text_of(path.read_bytes())
    assert text.startswith("报告已完成，但不完整，有1件事要处理。")
    assert "要处理的事" in text
    assert "recordings-2026-11-21" in text
    assert "未能完成" not in text
    assert [letter.edition for letter in result.letters][-1] is Edition.OPERATOR


def test_a_run_that_makes_no_report_tells_the_operator_that_none_went_out(centre: Centre) -> None:
    centre.set("mail", subject="{{ nothing }}")
    with pytest.raises(MailError):
        centre.run()
    assert not centre.postbox.delivered, "the subject of the operator's mail is the same broken one"
    centre.set("mail", subject="{{ headline }}", team=["li.lei@example.com"])
    folder = centre.folder / "config" / "agents.yaml"
    folder.write_text("agents: {A017: {nam: x}}\n")
    with pytest.raises(ConfigError):
        centre.run()
    (told,) = [message for message in centre.postbox.delivered if message.recipient == dailies.OPERATOR]
    assert _text_of(told.content).startswith("报告未能完成，没有发出：有1个问题。")
    assert "agents.yaml:1:" in _text_of(told.content)


def test_names_of_agents_stand_in_documents_and_mails(centre: Centre) -> None:
    centre.configure(attach=["html"])
    (centre.folder / "config" / "agents.yaml").write_text("agents: {A017: {name: 王芳, group: 物流组}}\n", "utf-8")
    (result,) = centre.run(Mode.DRY_RUN)
    page = next(path for path in result.documents if path.name == "日报-2026-11-21.html").read_text("utf-8")
    assert "王芳" in page
    assert "王芳（A017）" in _text_of(result.letters[0].content)
    other = next(letter for letter in result.letters if letter.recipient == dailies.AGENTS["A023"])
    assert "王芳" not in _text_of(other.content)


def test_every_order_and_document_in_the_mail_can_be_opened(centre: Centre) -> None:
    centre.configure(attach=["docx"], link="https://qa.example.com/out")
    (result,) = centre.run(Mode.DRY_RUN)
    html = _html_of(result.letters[0].content)
    for address in re.findall(r'href="https://qa.example.com/out/([^"]+)"', html):
        assert (centre.out / unquote(address)).is_file(), address
    orders = set(re.findall(r"20261121\d{6}", _text_of(result.letters[0].content)))
    assert orders
    assert not [order for order in orders if f"/reports/{order}.html" not in html]
    own = next(letter for letter in result.letters if letter.edition is Edition.AGENT)
    assert "/reports/" not in _html_of(own.content), "an order's report shows other agents' calls"
    centre.set("desk", public_url="https://desk.example.com/")
    (result,) = centre.run(Mode.DRY_RUN)
    own = next(letter for letter in result.letters if letter.edition is Edition.AGENT)
    assert 'href="https://desk.example.com/orders/20261121' in _html_of(own.content)
    assert re.search(r'href="https://desk.example.com/calls/A017-1121-\d+\?t=\d+"', _html_of(own.content))


def test_a_mail_carries_the_formats_that_it_is_told_to(centre: Centre) -> None:
    centre.configure(attach=["xlsx", "json"])
    (result,) = centre.run(Mode.DRY_RUN)
    import email

    names = [part.get_filename() for part in email.message_from_bytes(result.letters[0].content).walk()]
    assert [str(make_header(decode_header(name))) for name in names if name] == [
        "客服质检日报-2026-11-21.xlsx",
        "客服质检日报-2026-11-21.json",
    ]


def test_without_send_it_is_said_who_would_get_a_mail(centre: Centre, capsys: pytest.CaptureFixture[str]) -> None:
    centre.configure(attach=["docx"])
    arguments = ["daily", "--date", "2026-11-21", "--config", str(centre.folder / "config"), "--store", centre.url]
    assert cli.main(arguments) == 0
    said = capsys.readouterr()
    assert said.out.startswith("day:2026-11-21 done calls=8 failed_calls=0 new=0 documents=5 ")
    assert said.out.count("\n") == 1
    assert "team edition to li.lei@example.com: 物流组客服质检日报" in said.err
    assert "Nothing was sent. --dry-run writes these mails as files, --send sends them." in said.err
    assert not centre.postbox.delivered


def test_a_day_that_nobody_gets_by_mail_says_so(centre: Centre, capsys: pytest.CaptureFixture[str]) -> None:
    centre.configure(team=[], agents={}, operator=[])
    assert cli.main(["daily", "--date", "2026-11-21", "--dry-run", *centre.arguments]) == 0
    assert "mail.team, mail.agents and mail.operator in qareport.yaml name no one" in capsys.readouterr().err


def test_the_week_and_the_month_are_the_same_command(centre: Centre, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--date", "2026-11-21", "--config", str(centre.folder / "config"), "--store", centre.url]
    assert cli.main(["daily", "--week", "--send", *given]) == 0
    assert cli.main(["daily", "--month", *given]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("week:2026-11-16 done calls=8 ")
    assert said[1].startswith("month:2026-11-01 done calls=8 ")
    assert centre.postbox.delivered[0].message["Subject"]
    assert (centre.out / "daily" / "week-2026-11-16" / "周报-2026-W47.html").exists()


def test_documents_that_are_too_large_become_a_zip_then_a_place(centre: Centre) -> None:
    centre.configure(attach=["docx", "html"], max_megabytes=0.335, link="https://qa.example.com/out")
    centre.run(Mode.DRY_RUN)
    path = centre.out / "daily" / "day-2026-11-21" / "mail" / f"team-{dailies.TEAM[0]}.eml"
    if _has_perl:
        names = [
            part["name"] for part in take_apart(path.read_bytes())["parts"] if part["name"].endswith((".zip", "x"))
        ]
        assert names in (["客服质检日报-2026-11-21.zip"], [])
    centre.configure(attach=["docx", "html"], max_megabytes=0.301, link="https://qa.example.com/out")
    (result,) = centre.run(Mode.DRY_RUN)
    text = _text_of(result.letters[0].content)
    assert "太大，没有附上：客服质检日报-2026-11-21.docx，在 https://qa.example.com/out/daily/day-2026-11-21/" in text


def _text_of(content: bytes, kind: str = "text/plain") -> str:
    import email

    for part in email.message_from_bytes(content).walk():
        if part.get_content_type() == kind:
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return payload.decode()
    raise AssertionError("no text")


def _html_of(content: bytes) -> str:
    return _text_of(content, "text/html")


def test_what_is_written_in_settings_cannot_add_a_header_or_a_tag(centre: Centre) -> None:
    centre.set("report", organisation="坏\r\nBcc: all@example.com\n<script>&")
    (result,) = centre.run(Mode.DRY_RUN)
    import email

    message = email.message_from_bytes(result.letters[0].content)
    assert message["Bcc"] is None
    assert "\n" not in result.letters[0].subject
    assert b"<script>" not in b"".join(
        payload
        for part in message.walk()
        if part.get_content_type() == "text/html"
        for payload in [part.get_payload(decode=True)]
        if isinstance(payload, bytes)
    )


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_source_that_is_gone_makes_a_partial_report_that_says_so_and_the_whole_one_follows(
    centre: Centre,
) -> None:
    centre.set("daily", sources=[str(centre.folder / "recordings-{date}")])
    (result,) = centre.run()
    assert result.state is RunState.PARTIAL
    assert ("operator", dailies.OPERATOR) in [mail[:2] for mail in centre.mails(DeliveryState.SENT)]
    partial = [message for message in centre.postbox.delivered if message.recipient == dailies.TEAM[0]]
    assert "本报告不完整：有录音来源读不到" in _text_of(partial[0].content)
    assert [mail.subject.startswith("【不完整】") for mail in result.mails if mail.edition is Edition.TEAM] == [
        True,
        True,
    ]
    own = next(message for message in centre.postbox.delivered if message.recipient == dailies.AGENTS["A017"])
    assert "recordings-2026-11-21" not in _text_of(own.content), "an agent need not know where recordings lie"
    sent = len(centre.postbox.delivered)
    centre.run()
    assert len(centre.postbox.delivered) == sent, "the same trouble is told once"
    centre.set("daily", sources=[])
    (result,) = centre.run()
    assert result.state is RunState.DONE
    whole = [message for message in centre.postbox.delivered[sent:] if message.recipient == dailies.TEAM[0]]
    assert "不完整" not in _text_of(whole[0].content)


def test_without_new_recordings_no_model_is_looked_for_and_with_one_its_absence_is_told(
    centre: Centre, tmp_path: Path
) -> None:
    (result,) = centre.run(model=str(tmp_path / "no-model"))
    assert result.state is RunState.DONE
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "new.wav").write_bytes(b"RIFF")
    (folder / "calls.csv").write_text("audio,started_at\nnew.wav,2026-11-21T10:00:00+08:00\n")
    centre.set("daily", sources=[str(folder)], manifest=str(folder / "calls.csv"))
    (result,) = centre.run(model=str(tmp_path / "no-model"))
    assert result.state is RunState.PARTIAL
    assert result.new_calls == 1
    assert "1 new recordings were not transcribed" in result.problems[0]
    assert "1 call of day:2026-11-21 has no result yet: new" in result.problems[1]


def test_calls_older_than_the_retention_time_are_not_taken_in_again(centre: Centre, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "calls.csv").write_text(
        "audio,started_at\nold.wav,2026-10-21T10:00:00+08:00\ngone.wav,2026-10-21T11:00:00+08:00\n"
        "new.wav,2026-11-21T10:00:00+08:00\n"
    )
    (folder / "old.wav").write_bytes(b"RIFF")
    (folder / "new.wav").write_bytes(b"RIFF")
    centre.set("daily", sources=[str(folder)], manifest=str(folder / "calls.csv"))
    centre.set("retention", days=30)
    (result,) = centre.run(model=str(tmp_path / "no-model"))
    with Store(centre.url) as store:
        names = {name for name, _ in store.calls.list_ids(CallFilter())}
    assert (result.new_calls, result.failed_calls, names & {"old", "gone", "new"}) == (1, 0, {"new"})


def test_what_was_found_and_is_no_call_of_the_day_stands_in_report_and_mail(either_centre: Centre) -> None:
    folder = either_centre.folder / "recordings"
    folder.mkdir()
    for name in ("a.wav", "copy.wav", "c.wav.part"):
        cut_recording(folder / name)
    cut_recording(folder / "13812345678.wav", second=3)
    (folder / "calls.csv").write_text(
        "audio,order_id,started_at\na.wav,o1,2026-11-21T10:00:00+08:00\ncopy.wav,o2,2026-11-21T10:00:00+08:00\n"
        "c.wav,o3,2026-11-21T11:00:00+08:00\nnowhere.wav,o4,2026-11-21T12:00:00+08:00\n"
    )
    either_centre.set("daily", sources=[str(folder)], manifest=str(folder / "calls.csv"))
    (result,) = either_centre.run()
    assert (result.state, result.calls, result.failed_calls) == (RunState.PARTIAL, 8 + 2, 1)
    text = _text_of(either_centre.postbox.delivered[0].content)
    top, rest = text.split("听完的通话")
    assert "有1段录音还在写入，下次运行再处理：c。" in top
    assert re.search(r"有1段录音不知道何时开始，没有计入任何一天：x5678-[0-9a-f]{8}。", top)
    assert "1通录音处理失败（原因见文档）：nowhere" in rest
    assert "有1段录音在清单里没有：[电话]" in rest
    assert "有1段录音与别的录音内容相同，没有重复计算：copy" in rest
    assert "13812345678" not in text + "".join(result.problems)
    assert len(result.problems) == 4
    own = next(message for message in either_centre.postbox.delivered if message.recipient == dailies.AGENTS["A017"])
    assert "copy" not in _text_of(own.content), "an agent is not told of recordings that may be another's"


def test_broken_rules_are_replaced_by_the_last_good_ones_and_the_mail_says_so_at_the_top(centre: Centre) -> None:
    rules = centre.folder / "config" / "rules" / "price.yaml"
    rules.write_text("schema: 1\nrules: [{id: 5}]\n")
    (result,) = centre.run()
    assert result.state is RunState.DONE
    text = _text_of(centre.postbox.delivered[0].content)
    assert "规则文件有" in text.split("听完的通话")[0]
    assert any("the last valid set is used" in problem for problem in result.problems)


def test_documents_that_cannot_be_written_are_told_and_made_by_the_next_run(centre: Centre) -> None:
    centre.out.mkdir()
    (centre.out / "daily").write_text("a file where a folder should be")
    (result,) = centre.run()
    assert result.state is RunState.PARTIAL
    assert "有文档没能生成" in _text_of(centre.postbox.delivered[0].content)
    (centre.out / "daily").unlink()
    (result,) = centre.run()
    assert result.state is RunState.DONE
    assert (centre.out / "daily" / "day-2026-11-21" / "日报-2026-11-21.html").exists()


def test_a_full_disk_ends_the_run_with_a_clear_message_and_the_next_run_does_it_all(centre: Centre) -> None:
    limited = 'ulimit -f 8; exec "$0" -m qareport daily --date 2026-11-21 --send "$@"'
    arguments = ["--config", str(centre.folder / "config"), "--store", centre.url]
    ran = subprocess.run(
        ["bash", "-c", limited, sys.executable, *arguments], cwd=centre.folder, capture_output=True, text=True
    )
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert "disk" in ran.stderr
    assert not centre.postbox.delivered
    (result,) = centre.run()
    assert (result.state, len(centre.postbox.delivered)) == (RunState.DONE, 4)


def test_calls_without_a_result_are_named_until_they_have_one(centre: Centre) -> None:
    started = datetime(2026, 11, 21, 2, tzinfo=UTC)
    with Store(centre.url) as store:
        store.calls.put(Call(call_id="late", audio_path="late.wav", started_at=started))
    (result,) = centre.run()
    assert result.state is RunState.PARTIAL
    assert "有1通电话还没有结果：late" in _text_of(centre.postbox.delivered[0].content)


def test_a_day_without_any_call_is_doubted_when_the_week_before_had_some(centre: Centre) -> None:
    a_week_later, next_day = dailies.DAY + timedelta(days=7), NEXT_DAY + timedelta(days=7)
    (result,) = centre.run(day=a_week_later, now=next_day)
    assert result.state is RunState.PARTIAL
    assert result.problems[0].startswith("no call of day:2026-11-28 was found, and a week before there were 8")
    (told,) = [message for message in centre.postbox.delivered if message.recipient == dailies.TEAM[0]]
    assert "没有找到这一天的通话，一周前的同一天有8通" in _text_of(told.content)
    assert "这段时间还没有处理完的通话" in _text_of(told.content)
    (result,) = centre.run(day=a_week_later + timedelta(days=1), now=next_day)
    assert result.state is RunState.DONE, "the week before, nobody worked on that day either"
    path = dailies.write_transcripts(centre.folder / "late.jsonl", 8, a_week_later)
    assert cli.main(["analyse", str(path), "--format", "json", "--out", str(centre.out), "--store", centre.url]) == 0
    (result,) = centre.run(day=a_week_later, now=next_day)
    assert (result.state, result.calls) == (RunState.DONE, 8)
    whole = [mail for mail in centre.mails(DeliveryState.SENT) if mail[1] == dailies.TEAM[0] and mail[2] == "report"]
    assert len(whole) == 2


def test_an_unknown_mail_is_told_to_the_operator_and_in_the_summary(either_centre: Centre) -> None:
    seen: list[str] = []

    def die_once(stage: str, recipient: str) -> tuple[float, str]:
        if stage == "data" and recipient == dailies.TEAM[0] and not seen:
            seen.append(recipient)
            return 0.0, "drop after"
        return 0.0, ""

    either_centre.postbox.fault = die_once
    (result,) = either_centre.run()
    assert [mail.recipient for mail in result.unknown] == [dailies.TEAM[0]]
    (told,) = [message for message in either_centre.postbox.delivered if message.recipient == dailies.OPERATOR]
    assert "不知道到没到" in _text_of(told.content)
    assert f"mail {result.unknown[0].key[:12]} ([邮箱], day:2026-11-21)" in privacy.mask(result.problems[0])[0]
    assert f"qareport mail forget {result.unknown[0].key[:12]}" in _text_of(told.content)


def test_a_person_settles_an_unknown_mail_on_the_command_line(
    centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    centre.postbox.fault = lambda stage, who: (0.0, "drop" if stage == "data" and who == dailies.TEAM[0] else "")
    (result,) = centre.run()
    centre.postbox.fault = lambda stage, who: (0.0, "")
    key = result.unknown[0].key[:12]
    given = ["--config", str(centre.folder / "config"), "--store", centre.url]
    assert cli.main(["mail", "list", *given]) == 1
    said = capsys.readouterr()
    assert f"{key} unknown   day:2026-11-21 team {dailies.TEAM[0]}" in said.out
    assert "it may have arrived or not, and no program can find out" in said.err
    assert cli.main(["mail", "resend", key, *given]) == 2
    assert "may have arrived already: ask there first" in capsys.readouterr().err
    assert cli.main(["mail", "resend", key, "--yes", *given]) == 0
    assert [message.recipient for message in centre.postbox.delivered].count(dailies.TEAM[0]) == 1
    assert cli.main(["mail", "forget", key, *given]) == 2
    assert "is settled: the server has taken it" in capsys.readouterr().err


def test_two_at_once_one_works_and_the_other_says_who_does(
    either_centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import sys; from qareport.store import Store\n"
        "with Store(sys.argv[1]) as store, store.lock():\n    print('held', flush=True); sys.stdin.read()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, either_centre.url], text=True, **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == "held\n"
        given = ["--send", "--config", str(either_centre.folder / "config"), "--store", either_centre.url]
        assert cli.main(["daily", *given]) == 2
        assert "another run is at work: " in capsys.readouterr().err
        other.stdin.close()
    assert not either_centre.postbox.delivered


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"team": [], "agents": {}, "operator": []}, "mail has no recipients"),
        ({"host": ""}, "mail.host is not set"),
        ({"user": "me"}, "there is no password"),
        ({"subject": "{{ nothing }}"}, "mail.subject: cannot be used: 'nothing' is undefined"),
    ],
)
def test_mail_that_is_set_up_wrongly_is_said_before_or_instead_of_sending(
    centre: Centre, changes: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QAREPORT_SMTP_PASSWORD", raising=False)
    centre.set("mail", **changes)
    with pytest.raises(MailError) as raised:
        centre.run()
    assert says in str(raised.value)


def test_mail_settings_are_checked_all_at_once_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "qareport.yaml").write_text(
        "mail:\n  team: [li.lei]\n  port: 70000\n  agents: {A1: 'x@y@z'}\n  sender: 质检\n  securty: ssl\n"
    )
    with pytest.raises(ConfigError) as raised:
        settings.load(tmp_path)
    found = "\n".join(str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems)
    assert "qareport.yaml:2:10: 0: got 'li.lei'; expected a mail address such as li.lei@example.com" in found
    assert "qareport.yaml:3:3: port: got 70000" in found
    assert "qareport.yaml:4:12: A1: got 'x@y@z'" in found
    assert "qareport.yaml:5:3: sender: got '质检'; expected a mail address, or a name with one" in found
    assert "qareport.yaml:6:3: unknown key 'securty'; did you mean 'security'?" in found


# --- days -------------------------------------------------------------------------------------------------------------


def test_a_clock_that_was_wrong_for_days_loses_no_day_and_sends_none_twice(either_centre: Centre) -> None:
    either_centre.set("mail", agents={}, team=["a@example.com"], attach=[])
    told: list[tuple[int, list[str]]] = []
    for offset in (0, 1, -2, 1, 4):
        results = either_centre.run(now=NEXT_DAY + timedelta(days=offset), day=None)
        told.append((offset, [result.period.first.isoformat() for result in results]))
    assert told == [
        (0, ["2026-11-21"]),
        (1, ["2026-11-22"]),
        (-2, ["2026-11-19"]),
        (1, ["2026-11-20", "2026-11-22"]),
        (4, ["2026-11-23", "2026-11-24", "2026-11-25"]),
    ]
    counted = [message.message_id for message in either_centre.postbox.delivered]
    assert len(counted) == len(set(counted)) == 7


def test_a_run_that_ended_in_an_error_is_on_record_with_its_steps(either_centre: Centre) -> None:
    either_centre.run()
    either_centre.set("mail", subject="{{ nothing }}", team=[*dailies.TEAM, "new@example.com"])
    with pytest.raises(MailError):
        either_centre.run()
    with Store(either_centre.url) as store:
        failed, done = store.runs.list()
    assert (failed.state, done.state) == (RunState.FAILED, RunState.DONE)
    assert "'nothing' is undefined" in failed.problems[0]
    assert [step.name for step in done.steps] == [
        "find", "rules", "transcribe", "analyse", "gather", "orders", "render", "compose", "send",
    ]  # fmt: skip
    assert done.ended_at is not None
    assert done.summary.startswith("day:2026-11-21 done calls=8")
