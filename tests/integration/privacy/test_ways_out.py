"""Every way by which words of a call leave the store: none shows personal data that only the whole call tells."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qareport import events, periods, privacy, rules
from qareport.cli import main
from qareport.cli.console import complain
from qareport.codec import to_json
from qareport.delivery.mail.compose import write_subject
from qareport.delivery.mail.view import MailView
from qareport.model import Act, Call, FailedCall, PersonalKind, SpokenAct, Transcript
from qareport.store import Store
from qareport.workflows import judge
from qareport.workflows.render import assemble_order
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace
from tests.support.calls import AGENT, CUSTOMER, say
from tests.support.paths import ROOT

RULE = "logistics.shipping-doubt"
#: Eight digits that only a question two turns ago makes a telephone number; a name and an account.
SECRETS = ("64407719", "欧阳小满", "manman_1990")
SENTENCE = "到底什么时候发货，我号码64407719"
SEGMENTS = (
    say(1, 3, AGENT, "您好，请问您的联系电话和姓名是多少"),
    say(4, 6, CUSTOMER, "我叫欧阳小满，微信manman_1990"),
    say(6.5, 7, AGENT, "嗯"),
    replace(
        say(8, 11, CUSTOMER, SENTENCE),
        acts=(SpokenAct(act=Act.ASK, words=("什么时候发货，我号码64407719", "64407719")),),
    ),
    say(16, 18, AGENT, "今天"),
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


@pytest.fixture
def store(tmp_path: Path, config: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'q.db'}"
    with Workspace.open(config=config, store=url, make_store=True) as workspace:
        call = Call(
            call_id="one",
            audio_path="",
            order_id="o1",
            agent_id="a1",
            started_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        )
        transcript = Transcript(
            call_id="one", order_id="o1", agent_id="a1", started_at=call.started_at, segments=SEGMENTS
        )
        workspace.store.calls.put(call)
        item = TranscribedCall(call=call, key="one", transcript=transcript)
        _, failures = judge.judge_calls(
            [item], workspace.store, workspace.rule_book_for_run, on_progress=lambda *_: None
        )
        assert failures == ()
    with Store(url) as opened:
        yield opened


@pytest.fixture
def run(store: Store, config: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def command(*arguments: str) -> str:
        main(["--config", str(config), "--store", store.url, *arguments])
        printed = capsys.readouterr()
        return printed.out + printed.err

    return command


def edit(config: Path) -> None:
    """Make the rule of the sentence ask for more silence, so that a replay loses its hit."""
    path = config / "rules" / "logistics.yaml"
    text = path.read_text(encoding="utf-8")
    assert "silence: 2s" in text
    path.write_text(text.replace("silence: 2s", "silence: 8s", 1), encoding="utf-8")


def assert_hidden(text: str, *, shows: str) -> None:
    """Check that the call is shown, and no secret."""
    assert shows in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_report_of_an_order(store: Store) -> None:
    report = assemble_order(store, "o1")
    assert_hidden(to_json(report), shows="到底什么时候发货")
    kinds = {span.kind for span in report.calls[0].masked}
    assert kinds == {PersonalKind.PHONE, PersonalKind.NAME, PersonalKind.ACCOUNT}


def test_words_that_show_an_act(store: Store) -> None:
    segment = assemble_order(store, "o1").calls[0].segments[3]
    assert segment.acts[0].words == ("什么时候发货，我号码[电话]", "[电话]")


def test_quotes_of_moments_and_evidence(store: Store) -> None:
    call = assemble_order(store, "o1").calls[0]
    quotes = [moment.quote for moment in call.moments]
    quotes += [evidence.quote for finding in call.findings for evidence in finding.evidence]
    assert_hidden("\n".join(quotes), shows="到底什么时候发货，我号码[电话]")


def test_the_summary_that_periods_are_made_of(store: Store) -> None:
    summary = periods.summarise_call(store.results.get("one"), "o1")
    assert_hidden(to_json(summary), shows="发货")


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_replay(run: Callable[..., str], config: Path, form: str) -> None:
    edit(config)
    assert_hidden(run("rules", "replay", "--format", form), shows="到底什么时候发货")


def test_replay_with_privacy_switched_off(run: Callable[..., str], config: Path) -> None:
    edit(config)
    settings = config / "qareport.yaml"
    text = settings.read_text(encoding="utf-8")
    assert "\n  enabled: true\n  # 遮住哪几类" in text
    settings.write_text(
        text.replace("\n  enabled: true\n  # 遮住哪几类", "\n  enabled: false\n  # 遮住哪几类", 1), encoding="utf-8"
    )
    assert SENTENCE in run("rules", "replay")


def test_explain(run: Callable[..., str]) -> None:
    assert_hidden(run("rules", "explain", "one", "--rule", RULE), shows="到底什么时候发货，我号码[电话]")


def test_explain_from_python_hides_without_being_told(store: Store, config: Path) -> None:
    rule_book = Workspace.open(config=config).rule_book
    rule = rule_book.ruleset.find(RULE)
    assert rule is not None
    tree = "\n".join(rules.draw(rules.explain(rule, judge.context_of(store, "one", rule_book))))
    assert_hidden(tree, shows="到底什么时候发货")


def test_a_rule_test_cut_from_a_call(run: Callable[..., str]) -> None:
    assert_hidden(run("rules", "test", "--from-call", "one", "--rule", RULE), shows="到底什么时候发货")


def test_a_rule_test_cut_from_a_call_is_in_the_words_of_its_reader(run: Callable[..., str]) -> None:
    case = run("rules", "test", "--from-call", "one", "--rule", RULE, "--locale", "zh")
    assert_hidden(case, shows="    对话:")
    assert "must" not in case
    assert "应当命中:" in case


@pytest.mark.parametrize(
    ("kind", "shows"),
    [("segments", "发货"), ("moments", "one"), ("findings", "one"), ("calls", "one"), ("text", "发货")],
)
def test_exports(run: Callable[..., str], kind: str, shows: str) -> None:
    assert_hidden(run("export", kind), shows=shows)


@pytest.mark.parametrize("form", ["text", "json"])
def test_search(run: Callable[..., str], form: str) -> None:
    assert_hidden(run("search", "发货", "--format", form), shows="[电话]")
    assert "0 sentences" in run("search", "64407719", "--count")


def test_the_subject_of_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    view = MailView.__new__(MailView)
    values = {"organisation": "", "title": "", "period_short": "11月21日", "headline": "", "partial": False}
    for name, value in {**values, "agent": "13812345678"}.items():
        object.__setattr__(view, name, value)
    assert write_subject(view, "{{ period }} {{ agent }}") == "11月21日 [电话]"


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="qareport"):
        events.happened("judge", "failed", reason="calls/13812345678.wav: no audio")
    assert "13812345678" not in caplog.text
    assert "[电话]" in caplog.text


def test_error_messages(capsys: pytest.CaptureFixture[str]) -> None:
    complain("calls/13812345678.wav: no audio")
    assert capsys.readouterr().err == "qareport: calls/[电话].wav: no audio\n"


def test_failed_calls(run: Callable[..., str], store: Store) -> None:
    call = Call(call_id="two", audio_path="")
    failure = FailedCall(call_id="two", audio_path="", step="decode", reason="calls/13812345678.wav: no audio")
    store.calls.put_failure(call, failure)
    printed = run("status") + run("status", "--format", "json")
    assert "13812345678" not in printed


def test_a_quote_that_is_cut_short_hides_what_its_sentence_hides() -> None:
    hide = privacy.quote_masker(SEGMENTS)
    assert hide("我号码6440…") == "我号码[电话]…"
    assert hide(f"客户说“{SENTENCE}”时，安抚她。") == "客户说“到底什么时候发货，我号码[电话]”时，安抚她。"
    assert hide("欧阳小满的订单") == "[姓名]的订单"
    assert json.loads(json.dumps(hide("今天"))) == "今天"
