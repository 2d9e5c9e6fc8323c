"""The client for requests to other machines, against real servers: where it connects to, and what it takes back."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence

import pytest
import trustme

from qareport.outgoing import OutgoingClient, OutgoingError, OutgoingFault, OutgoingReach, words_of
from tests.support.patience import scaled
from tests.support.receiver import Receiver, Reply

#: An address of the internet; no test reaches it.
PUBLIC = "93.184.216.34"


class Names:
    """A name server whose answers change from question to question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def reach(*allow: str, timeout_s: float = 5.0) -> OutgoingReach:
    return OutgoingReach(allow=allow, timeout_s=timeout_s)


def test_an_answer_comes_back_whatever_its_status() -> None:
    with Receiver(lambda *_: Reply(status=503, headers={"Retry-After": "7"}, body=b"later")) as receiver:
        client = OutgoingClient(reach(f"http://127.0.0.1:{receiver.port}"))
        answer = client.send("POST", receiver.url + "a b?x=客".replace(" ", "%20"), body=b"{}", headers={"X-Key": "k"})
    assert (answer.status, answer.headers["retry-after"], answer.body, answer.ok) == (503, "7", b"later", False)
    (taken,) = receiver.taken
    assert (taken.method, taken.path, taken.body) == ("POST", "/a%20b?x=%E5%AE%A2", b"{}")
    assert (taken.headers["x-key"], taken.headers["user-agent"]) == ("k", "qareport")
    assert taken.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "gb18030"])
@pytest.mark.parametrize("most", [200, 3])
def test_what_a_server_says_is_readable_in_utf_8_and_gbk(encoding: str, most: int) -> None:
    said = "拒收：\r\n 您的邮箱\x1b[31m已停用" + "，请联系管理员" * 99
    words = "拒收： 您的邮箱 [31m已停用" + "，请联系管理员" * 99
    assert words_of(said.encode(encoding), most) == words[:most]


@pytest.mark.parametrize("length", range(900, 908))
def test_an_answer_that_is_cut_within_a_character_is_read_as_far_as_it_goes(length: int) -> None:
    assert set(words_of(("x" + "拒" * 400).encode()[:length], 500)) == {"x", "拒"}


def test_a_name_that_leads_inside_is_refused_without_a_connection() -> None:
    with Receiver() as receiver:
        for answers in (["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]):
            client = OutgoingClient(reach(), resolver=Names(answers))
            with pytest.raises(OutgoingError, match="private network") as caught:
                client.send("POST", f"https://crm.example.com:{receiver.port}/T0/secret", body=b"{}")
            assert caught.value.fault is OutgoingFault.FORBIDDEN
            assert "secret" not in str(caught.value)
    assert receiver.taken == []


def test_a_name_that_is_answered_otherwise_the_second_time_reaches_what_was_checked() -> None:
    with Receiver() as checked, Receiver(host="127.0.0.2", port=checked.port) as inside:
        allow = ("127.0.0.1/32", f"http://crm.example.com:{checked.port}")
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        OutgoingClient(reach(*allow), resolver=names).send("POST", f"http://crm.example.com:{checked.port}/", body=b"1")
        assert (len(checked.taken), inside.taken, names.asked) == (1, [], ["crm.example.com"])
        assert checked.taken[0].headers["host"] == f"crm.example.com:{checked.port}"
        names = Names([PUBLIC], ["127.0.0.2"])
        with pytest.raises(OutgoingError):
            OutgoingClient(reach(timeout_s=0.3), resolver=names).send(
                "GET", f"https://other.example.com:{checked.port}/"
            )
        assert (inside.taken, names.asked) == ([], ["other.example.com"])


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with Receiver() as receiver:
        names = Names(["127.0.0.3", "127.0.0.1"])
        client = OutgoingClient(reach("127.0.0.0/8", "http://crm.internal"), resolver=names)
        assert client.send("POST", f"http://crm.internal:{receiver.port}/", body=b"").status == 204


def test_redirects_are_answers_and_lead_nowhere() -> None:
    with Receiver() as inside, Receiver(lambda *_: Reply(status=307, headers={"Location": inside.url})) as receiver:
        answer = OutgoingClient(reach("http://127.0.0.1")).send("POST", receiver.url, body=b"1")
    assert (answer.status, answer.ok, inside.taken) == (307, False, [])


def test_an_answer_without_an_end_is_cut() -> None:
    with Receiver(lambda *_: Reply(status=200, endless=True)) as receiver:
        answer = OutgoingClient(reach("http://127.0.0.1")).send("GET", receiver.url)
    assert (answer.status, len(answer.body), answer.cut) == (200, 64 * 1024, True)


def test_a_body_that_drips_is_cut_at_the_deadline_and_its_status_counts() -> None:
    with Receiver(lambda *_: Reply(status=200, drip=True)) as receiver:
        began = time.monotonic()
        answer = OutgoingClient(reach("http://127.0.0.1", timeout_s=0.4)).send("GET", receiver.url)
        assert time.monotonic() - began < scaled(2)
    assert (answer.status, answer.cut) == (200, True)


def test_a_server_that_says_nothing_is_left_at_the_deadline_and_may_have_it() -> None:
    client = OutgoingClient(reach("http://127.0.0.1", timeout_s=0.4))
    with (
        Receiver(lambda *_: Reply(hang=True)) as receiver,
        pytest.raises(OutgoingError, match=r"no answer within 0\.4 s") as caught,
    ):
        client.send("POST", receiver.url, body=b"1")
    assert (caught.value.fault, caught.value.may_have_arrived) == (OutgoingFault.TIMEOUT, True)


def test_a_server_that_hangs_up_may_have_it_and_one_that_is_not_there_has_not() -> None:
    with Receiver(lambda *_: Reply(hang_up=True)) as receiver:
        with pytest.raises(OutgoingError, match="broke off") as caught:
            OutgoingClient(reach("http://127.0.0.1")).send("POST", receiver.url, body=b"1")
        assert (caught.value.fault, caught.value.may_have_arrived) == (OutgoingFault.BROKEN, True)
    with pytest.raises(OutgoingError, match="cannot be reached") as caught:
        OutgoingClient(reach("http://127.0.0.1")).send("POST", receiver.url, body=b"1")
    assert (caught.value.fault, caught.value.may_have_arrived) == (OutgoingFault.UNREACHABLE, False)


def test_a_name_without_an_address_and_a_slow_name_server_are_named() -> None:
    def slow(host: str, port: int) -> Sequence[str]:
        time.sleep(0.6)
        return [PUBLIC]

    for resolver in (Names([]), slow):
        with pytest.raises(OutgoingError, match=r"no address of crm\.example\.com") as caught:
            OutgoingClient(reach(timeout_s=0.2), resolver=resolver).send("GET", "https://crm.example.com/")
        assert caught.value.fault is OutgoingFault.UNRESOLVED


def test_a_header_that_would_be_two_is_never_sent() -> None:
    with Receiver() as receiver, pytest.raises(OutgoingError, match="a header or a method that cannot be sent"):
        OutgoingClient(reach("http://127.0.0.1")).send("POST", receiver.url, headers={"X": "a\r\nHost: inside"})
    assert receiver.taken == []


def test_certificates_are_checked_by_name_whatever_the_address() -> None:
    authority = trustme.CA()
    served, trusted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("crm.internal").configure_cert(served)
    authority.configure_trust(trusted)
    with Receiver(tls=served) as receiver:

        def ask(host: str, context: ssl.SSLContext | None) -> int:
            client = OutgoingClient(reach("127.0.0.1"), resolver=Names(["127.0.0.1"]), context=context)
            return client.send("POST", f"https://{host}:{receiver.port}/", body=b"1").status

        assert ask("crm.internal", trusted) == 204
        for host, context in (("crm.internal", None), ("other.internal", trusted)):
            with pytest.raises(OutgoingError, match="certificate is not trusted") as caught:
                ask(host, context)
            assert caught.value.fault is OutgoingFault.CERTIFICATE
    assert len(receiver.taken) == 1


def test_a_handshake_that_never_ends_has_a_deadline() -> None:
    with Receiver(lambda *_: Reply(hang=True)) as receiver:  # speaks no TLS
        began = time.monotonic()
        with pytest.raises(OutgoingError):
            OutgoingClient(reach("127.0.0.1", timeout_s=0.4)).send("GET", f"https://127.0.0.1:{receiver.port}/")
        assert time.monotonic() - began < scaled(2)
