"""Sending over a real SMTP server on loopback: what is certain, what is not, and who decides about it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header
from pathlib import Path

import pytest

from qareport.delivery import Clock, DispatchResult, post
from qareport.delivery.mail import (
    Attachment,
    Content,
    Purpose,
    Transport,
    compose,
    message_id,
    read_password,
)
from qareport.delivery.mail import (
    test_view as view_of_test,
)
from qareport.errors import BusyError, MailError
from qareport.model import MAIL, Delivery, DeliveryState, Edition, Outcome, delivery_key
from qareport.settings import MailSettings
from qareport.store import Store
from tests.support.patience import scaled
from tests.support.postbox import DROP, DROP_AFTER, Postbox, free_port

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SENDER = "质检 <quality@example.com>"


class Hands:
    """A clock that a test moves: sleeping moves it, too."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now
        self.slept: list[float] = []

    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


def letter(recipient: str = "li@example.com", kind: str = "report", text: str = "Hello") -> Delivery:
    key = delivery_key(MAIL, Edition.TEAM, recipient, "day:2026-11-21", kind)
    identity = message_id(key, SENDER)
    content = f"From: q@example.com\r\nTo: {recipient}\r\nMessage-ID: {identity}\r\n\r\n{text}\r\n".encode()
    return Delivery(
        channel=MAIL,
        edition=Edition.TEAM,
        recipient=recipient,
        period="day:2026-11-21",
        kind=kind,
        subject="日报",
        message_id=identity,
        content=content,
    )


def settings(postbox: Postbox | None, **changes: object) -> MailSettings:
    values: dict[str, object] = {
        "host": "127.0.0.1",
        "port": postbox.port if postbox else free_port(),
        "security": "none",
        "sender": SENDER,
        "timeout_s": 60.0,
        "retry_s": (),
    }
    return MailSettings(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        yield opened


def send(store: Store, mail: MailSettings, hands: Hands | None = None) -> DispatchResult:
    return post(store, mail, clock=(hands or Hands()).clock(), on_sent=lambda done, total: None)


def test_a_mail_is_sent_once_however_often_it_is_planned_and_posted(store: Store) -> None:
    with Postbox() as postbox:
        for _ in range(3):
            store.outbox.put([letter()], now=NOON)
            send(store, settings(postbox))
    assert [mail.recipient for mail in postbox.delivered] == ["li@example.com"]
    (record,) = store.outbox.list()
    assert (record.state, record.reply, record.tries) == (DeliveryState.SENT, "250 taken", 1)
    assert postbox.delivered[0].message_id == record.message_id == letter().message_id


def test_a_mail_that_no_server_has_yet_takes_the_newer_text(store: Store) -> None:
    store.outbox.put([letter(text="old")], now=NOON)
    store.outbox.put([letter(text="new")], now=NOON)
    with Postbox() as postbox:
        send(store, settings(postbox))
    assert b"new" in postbox.delivered[0].content


def test_lines_that_begin_with_a_dot_arrive_as_they_were(store: Store) -> None:
    store.outbox.put([letter(text=".\r\n..two\r\n.")], now=NOON)
    with Postbox() as postbox:
        send(store, settings(postbox))
    assert postbox.delivered[0].content.endswith(b"\r\n\r\n.\r\n..two\r\n.\r\n")


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_refusal_for_now_is_tried_again_after_the_configured_wait(store: Store, stage: str) -> None:
    answers = iter(["451 greylisted, come back"])
    store.outbox.put([letter()], now=NOON)
    hands = Hands()
    with Postbox(lambda at, _: (0.0, next(answers, "") if at == stage else "")) as postbox:
        posted = send(store, settings(postbox, retry_s=(60.0, 300.0)), hands)
    assert hands.slept == [60.0]
    assert len(postbox.delivered) == 1
    assert (posted.deliveries[0].state, posted.deliveries[0].tries) == (DeliveryState.SENT, 2)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_refusal_for_good_is_not_tried_again_and_keeps_the_servers_words(store: Store, stage: str) -> None:
    store.outbox.put([letter()], now=NOON)
    hands = Hands()
    with Postbox(lambda at, _: (0.0, "550 no such user" if at == stage else "")) as postbox:
        posted = send(store, settings(postbox, retry_s=(60.0,)), hands)
        send(store, settings(postbox), hands)
    assert not hands.slept
    assert not postbox.delivered
    assert posted.deliveries[0].state is DeliveryState.FAILED
    assert "550 no such user" in posted.deliveries[0].reply


def test_one_refused_recipient_does_not_keep_the_mail_from_the_others(store: Store) -> None:
    store.outbox.put([letter("a@x.cn"), letter("gone@x.cn"), letter("b@x.cn")], now=NOON)
    with Postbox(lambda at, who: (0.0, "550 unknown" if who == "gone@x.cn" and at == "rcpt" else "")) as postbox:
        posted = send(store, settings(postbox))
    assert {mail.recipient for mail in postbox.delivered} == {"a@x.cn", "b@x.cn"}
    assert {mail.recipient: mail.state for mail in posted.deliveries} == {
        "a@x.cn": DeliveryState.SENT,
        "b@x.cn": DeliveryState.SENT,
        "gone@x.cn": DeliveryState.FAILED,
    }


@pytest.mark.parametrize(("fault", "arrived"), [(DROP, 0), (DROP_AFTER, 1)])
def test_a_server_that_dies_after_the_text_leaves_an_unknown_mail_that_is_never_sent_again_by_itself(
    store: Store, fault: str, arrived: int
) -> None:
    store.outbox.put([letter()], now=NOON)
    hands = Hands()
    with Postbox(lambda at, _: (0.0, fault if at == "data" else "")) as postbox:
        posted = send(store, settings(postbox, retry_s=(1.0,)), hands)
        hands.time += timedelta(days=2)
        store.outbox.put([letter()], now=hands.time)
        assert not send(store, settings(postbox), hands).deliveries
    assert len(postbox.delivered) == arrived
    assert posted.deliveries[0].state is DeliveryState.UNKNOWN
    assert "before the server's answer" in posted.deliveries[0].reply


def test_a_server_that_answers_too_late_after_the_text_leaves_an_unknown_mail(store: Store) -> None:
    store.outbox.put([letter()], now=NOON)
    with Postbox(lambda at, _: (3600.0 if at == "data" else 0.0, "")) as postbox:
        posted = send(store, settings(postbox, timeout_s=scaled(5.0)))
    assert posted.deliveries[0].state is DeliveryState.UNKNOWN


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_a_connection_that_ends_before_the_text_is_certain_and_tried_again(store: Store, stage: str) -> None:
    answers = iter([DROP])
    store.outbox.put([letter()], now=NOON)
    with Postbox(lambda at, _: (0.0, next(answers, "") if at == stage else "")) as postbox:
        posted = send(store, settings(postbox, retry_s=(1.0,)), Hands())
    assert len(postbox.delivered) == 1
    assert posted.deliveries[0].state is DeliveryState.SENT


def test_without_a_server_all_mails_wait_and_one_time_out_is_enough(store: Store) -> None:
    store.outbox.put([letter("a@x.cn"), letter("b@x.cn")], now=NOON)
    posted = send(store, settings(None))
    assert [mail.state for mail in posted.deliveries] == [DeliveryState.RETRY] * 2
    assert "no server on this port" in posted.trouble
    assert not store.outbox.due(NOON + timedelta(seconds=200), channel=MAIL), "the wait is kept"
    assert len(store.outbox.due(NOON + timedelta(seconds=400), channel=MAIL)) == 2


def test_after_the_time_to_give_up_a_mail_fails_and_says_why(store: Store) -> None:
    store.outbox.put([letter()], now=NOON)
    hands = Hands(NOON + timedelta(hours=49))
    posted = send(store, settings(None), hands)
    assert posted.deliveries[0].state is DeliveryState.FAILED
    assert posted.deliveries[0].reply.startswith("given up after 48 h; last: 127.0.0.1:")


def test_a_clock_that_was_set_back_neither_delays_a_mail_nor_sends_one_twice(store: Store) -> None:
    store.outbox.put([letter("a@x.cn"), letter("b@x.cn", text="2")], now=NOON)
    hands = Hands()
    with Postbox(lambda at, who: (0.0, "451 later" if who == "b@x.cn" and at == "rcpt" else "")) as postbox:
        send(store, settings(postbox), hands)
        postbox.fault = lambda at, who: (0.0, "")
        hands.time = NOON - timedelta(days=3)
        store.outbox.put([letter("a@x.cn"), letter("b@x.cn")], now=hands.time)
        send(store, settings(postbox), hands)
    assert sorted(mail.recipient for mail in postbox.delivered) == ["a@x.cn", "b@x.cn"]


def test_a_mail_whose_sender_was_killed_is_found_unknown(store: Store) -> None:
    store.outbox.put([letter()], now=NOON)
    assert store.outbox.begin(letter().key, now=NOON)
    assert not store.outbox.begin(letter().key, now=NOON), "nobody else may send it now"
    (found,) = store.outbox.settle(now=NOON)
    assert found.state is DeliveryState.UNKNOWN
    assert not store.outbox.due(NOON + timedelta(days=9), channel=MAIL)


def test_a_person_may_have_an_unknown_mail_sent_again_or_forgotten(store: Store) -> None:
    store.outbox.put([letter("a@x.cn"), letter("b@x.cn")], now=NOON)
    for mail in store.outbox.list():
        store.outbox.begin(mail.key, now=NOON)
        store.outbox.end(mail.key, Outcome(state=DeliveryState.UNKNOWN, reply="?"), now=NOON)
    store.outbox.decide(letter("a@x.cn").key, DeliveryState.PLANNED, now=NOON)
    store.outbox.decide(letter("b@x.cn").key, DeliveryState.FORGOTTEN, now=NOON)
    with Postbox() as postbox:
        send(store, settings(postbox))
    assert [mail.recipient for mail in postbox.delivered] == ["a@x.cn"]


def test_what_cannot_be_begun_in_the_store_is_not_sent(store: Store) -> None:
    with Postbox() as postbox, Transport(settings(postbox), "") as transport:
        sent = transport.send(b"x\r\n", sender="q@x.cn", recipient="a@x.cn", begin=lambda: False)
        with pytest.raises(OSError, match="No space"):
            transport.send(b"x\r\n", sender="q@x.cn", recipient="a@x.cn", begin=_disk_full)
    assert sent is None
    assert not postbox.delivered


def _disk_full() -> bool:
    raise OSError(28, "No space left on device")


# --- who may connect --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path, "-out", f"{path}.crt",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_mail_travels_encrypted_with_a_checked_certificate_and_a_password(
    store: Store, certificate: Path, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    monkeypatch.setenv("QAREPORT_SMTP_PASSWORD", "correct")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    store.outbox.put([letter()], now=NOON)
    with Postbox(password=("me", "correct"), tls=context, implicit_tls=security == "ssl") as postbox:
        mail = settings(postbox, host="localhost", security=security, ca_file=str(certificate), user="me")
        assert send(store, mail).deliveries[0].state is DeliveryState.SENT
        with pytest.raises(MailError, match=r"certificate is not to be trusted.*mail\.ca_file"):
            Transport(settings(postbox, host="localhost", security=security, user="me"), "correct").connect()
        with pytest.raises(MailError, match="log-in was refused: 535") as raised:
            Transport(mail, "wrong-secret").connect()
    assert "wrong-secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_each_way_of_not_reaching_a_server_says_what_to_do(certificate: Path) -> None:
    cases = [
        (settings(None, host="no-such-host.invalid"), "name of the mail server is not known"),
        (settings(None), "no server on this port"),
    ]
    with Postbox() as plain:
        cases += [
            (settings(plain, security="starttls"), "offers no encryption"),
            (settings(plain, security="ssl"), "set mail.security: starttls"),
            (settings(plain, user="me", host="127.0.0.1"), "the server does not support authentication"),
        ]
        for mail, says in cases:
            with pytest.raises(MailError) as raised:
                Transport(mail, "p").connect()
            assert says in str(raised.value)


@contextlib.contextmanager
def server_that(*answers: bytes, pause_s: float = 0.0) -> Iterator[int]:
    """Run a server that sends these bytes, one by one after a pause, and reads nothing. Gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            for answer in answers:
                connection.sendall(answer)
                over.wait(pause_s)
            over.wait(60)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join(10)
        listener.close()


@pytest.mark.parametrize("answers", [(), (b"2", b"2", b"0", b" ") * 50], ids=["silent", "a byte now and then"])
def test_a_server_that_does_not_answer_is_called_silent_within_the_time_out(answers: tuple[bytes, ...]) -> None:
    with server_that(*answers, pause_s=0.1) as port, pytest.raises(MailError, match=r"no answer within 0\.5 s"):
        Transport(settings(None, port=port, timeout_s=0.5), "").connect()


def test_a_server_that_hangs_up_is_not_called_silent() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True)
    thread.start()
    with pytest.raises(MailError, match="hung up"):
        Transport(settings(None, port=listener.getsockname()[1]), "").connect()
    thread.join(10)
    listener.close()


@contextlib.contextmanager
def server_for_one_line_each(answers: dict[str, bytes], *, text_bytes: int = 0, then: bytes = b"") -> Iterator[int]:
    """Run a server that answers each command as told; after so many bytes of a text it says a last word and is gone."""
    listener = socket.create_server(("127.0.0.1", 0))
    replies = {
        "ehlo": b"250 localhost\r\n",
        "mail": b"250 OK\r\n",
        "rcpt": b"250 OK\r\n",
        "data": b"354 go\r\n",
        **answers,
    }

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the test is over
                return
            with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
                connection.sendall(b"220 localhost\r\n")
                for line in iter(lines.readline, b""):
                    command = line.decode(errors="replace").strip().lower()[:8].split(" ")[0]
                    connection.sendall(replies.get(command, b"500 what\r\n"))
                    if command == "data":
                        lines.read(text_bytes)
                        connection.sendall(then)
                        connection.shutdown(socket.SHUT_RDWR)
                        break
                    if command == "starttls":
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


#: More than the buffers on the way hold: the server is gone before all of it was handed over.
LONG = "x" * 75 + "\r\n"


def test_a_server_that_hangs_up_in_the_middle_of_the_text_has_not_got_the_mail_and_it_is_tried_again(
    store: Store,
) -> None:
    store.outbox.put([letter(text=LONG * 250_000)], now=NOON)
    hands = Hands()
    with server_for_one_line_each({}, text_bytes=100_000) as port:
        (record,) = send(store, settings(None, port=port), hands).deliveries
    assert (record.state, record.tries) == (DeliveryState.RETRY, 1)
    assert "in the middle of the text" in record.reply
    assert "\n" not in record.reply
    hands.time += timedelta(hours=1)
    with Postbox() as postbox:
        assert send(store, settings(postbox), hands).deliveries[0].state is DeliveryState.SENT
    assert len(postbox.delivered) == 1


@pytest.mark.parametrize(
    ("last_word", "state"),
    [(b"552-too large\r\n552 at most 10 MB\r\n", DeliveryState.FAILED), (b"452 disk full\r\n", DeliveryState.RETRY)],
)
def test_who_refuses_a_text_before_its_end_is_heard(store: Store, last_word: bytes, state: DeliveryState) -> None:
    store.outbox.put([letter(text=LONG * 250_000)], now=NOON)
    with server_for_one_line_each({}, text_bytes=100_000, then=last_word) as port:
        (record,) = send(store, settings(None, port=port)).deliveries
    assert record.state is state
    assert record.reply.startswith(f"the server refuses the mail: {last_word[:3].decode()}")
    assert "\n" not in record.reply


def test_a_mail_that_is_too_large_for_the_server_fails_alone_and_for_good(store: Store) -> None:
    store.outbox.put([letter("a@x.cn"), letter("b@x.cn")], now=NOON)
    with Postbox(lambda at, who: (0.0, "552 message too big" if (at, who) == ("data", "a@x.cn") else "")) as postbox:
        send(store, settings(postbox, retry_s=(1.0,)), Hands())
        hands = Hands(NOON + timedelta(hours=9))
        assert not send(store, settings(postbox), hands).deliveries
    assert [mail.recipient for mail in postbox.delivered] == ["b@x.cn"]
    (failed,) = store.outbox.list(DeliveryState.FAILED)
    assert (failed.recipient, failed.reply) == ("a@x.cn", "the server refuses the mail: 552 message too big")


def test_who_is_greylisted_gets_the_mail_with_the_next_run_and_nobody_gets_it_twice(store: Store) -> None:
    store.outbox.put([letter("a@x.cn"), letter("grey@x.cn"), letter("b@x.cn")], now=NOON)
    hands = Hands()
    with Postbox(lambda at, who: (0.0, "450 4.2.0 greylisted" if who == "grey@x.cn" else "")) as postbox:
        send(store, settings(postbox), hands)
        (waiting,) = store.outbox.list(DeliveryState.RETRY)
        postbox.fault = lambda at, who: (0.0, "")
        hands.time += timedelta(minutes=10)
        store.outbox.put([letter("a@x.cn"), letter("grey@x.cn"), letter("b@x.cn")], now=hands.time)
        send(store, settings(postbox), hands)
    assert waiting.reply == "the server refuses the recipient: 450 4.2.0 greylisted"
    assert [mail.recipient for mail in postbox.delivered] == ["a@x.cn", "b@x.cn", "grey@x.cn"]


@pytest.mark.parametrize(
    ("answers", "changes", "says"),
    [
        ({"starttls": b"454 TLS not available\r\n"}, {"security": "starttls"}, "454 TLS not available"),
        ({"starttls": b"220 go\r\n"}, {"security": "starttls"}, "encryption failed"),
        ({"auth": b"535-5.7.8 wrong\r\n535 code\r\n"}, {"user": "me"}, "535 5.7.8 wrong code"),
        ({"auth": b"454 4.7.0 come back\r\n"}, {"user": "me"}, "454 4.7.0 come back"),
    ],
    ids=["no TLS now", "no handshake", "password", "no log-in now"],
)  # fmt: skip
def test_without_encryption_or_log_in_every_mail_is_kept_and_one_line_says_why(
    store: Store, monkeypatch: pytest.MonkeyPatch, answers: dict[str, bytes], changes: dict[str, str], says: str
) -> None:
    monkeypatch.setenv("QAREPORT_SMTP_PASSWORD", "correct")
    store.outbox.put([letter("a@x.cn"), letter("b@x.cn")], now=NOON)
    offers = b"250-localhost\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
    hands = Hands()
    with server_for_one_line_each({"ehlo": offers, **answers}) as port:
        posted = send(store, settings(None, port=port, **changes), hands)
    assert [mail.state for mail in posted.deliveries] == [DeliveryState.RETRY] * 2
    assert says in posted.trouble
    assert "\n" not in posted.trouble
    assert "correct" not in posted.trouble
    hands.time += timedelta(hours=1)
    with Postbox() as postbox:
        send(store, settings(postbox), hands)
    assert sorted(mail.recipient for mail in postbox.delivered) == ["a@x.cn", "b@x.cn"]


def test_a_reply_in_gbk_can_be_read() -> None:
    with server_that("554 您的地址被拒收\r\n".encode("gbk")) as port, pytest.raises(MailError, match="您的地址被拒收"):
        Transport(settings(None, port=port), "").connect()


@pytest.mark.parametrize("name", ["客服质检日报-2026-11-21.docx", "客服质检周报-" + "长" * 40 + ".pdf", "a b.pdf"])
def test_the_name_of_an_attachment_is_readable_for_every_mail_program(name: str) -> None:
    attachment = Attachment(name=name, content=b"document", path=Path(name))
    view = view_of_test(organisation="", today=NOON.date())
    purpose = Purpose(edition=Edition.TEAM, period="day:2026-11-21", kind="report")
    (made,) = compose(
        Content(view=view, attachments=(attachment,)),
        purpose,
        ["li@example.com"],
        settings(None),
        templates=None,
        now=NOON,
    )
    (part,) = message_from_bytes(made.content, policy=policy.default).iter_attachments()
    assert part.get_filename() == name
    assert part.get_payload(decode=True) == b"document"
    raw = message_from_bytes(made.content).get_payload()[-1]
    words = decode_header(raw.get_param("name"))  # type: ignore[union-attr]
    assert "".join(word if isinstance(word, str) else word.decode(code or "ascii") for word, code in words) == name
    assert max(map(len, made.content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": ""}, "mail.host is not set"),
        ({"sender": ""}, "mail.sender is not set"),
        ({"host": "mail.example.com", "user": "me"}, "in the clear"),
    ],
)
def test_mail_that_is_not_set_up_says_so(changes: dict[str, object], says: str) -> None:
    with pytest.raises(MailError, match=says):
        Transport(settings(None, **changes), "")


def test_the_password_comes_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("from file\n")
    path.chmod(0o600)
    mail = MailSettings(user="me", password_file=str(path))
    assert read_password(mail, {"QAREPORT_SMTP_PASSWORD": "from variable"}) == "from variable"
    assert read_password(mail, {}) == "from file"
    path.chmod(0o640)
    with pytest.raises(MailError, match=r"others may read it \(mode 0640\); expected mode 0600; chmod 600"):
        read_password(mail, {})
    with pytest.raises(MailError, match="No such file"):
        read_password(MailSettings(user="me", password_file=str(tmp_path / "none")), {})
    with pytest.raises(MailError, match="QAREPORT_SMTP_PASSWORD"):
        read_password(MailSettings(user="me"), {})
    assert read_password(MailSettings(), {}) == ""


# --- the lock ---------------------------------------------------------------------------------------------------------


def test_the_lock_is_free_again_when_its_process_is_killed(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys; from qareport.store import Store\n"
        "with Store(sys.argv[1]) as store, store.lock():\n    print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, store.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=rf"another run is at work: .*:{other.pid} since"), store.lock():
            pass
        other.kill()
        other.wait()
    while True:  # PostgreSQL needs a moment to see that a process is gone
        try:
            with store.lock():
                return
        except BusyError:
            time.sleep(0.1)
