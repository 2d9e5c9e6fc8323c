"""Patterns of file names: what they say of a call, what does not fit, and patterns that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import settings
from qareport.errors import ConfigError
from qareport.settings.name_pattern import NameParts, NameReader


def read(pattern: str, name: str, zone: str = "Asia/Shanghai") -> NameParts | None:
    return NameReader(pattern, zone).read(name)


def test_a_name_says_what_its_pattern_names() -> None:
    parts = read("{agent_id}_{order_id}_{started_at:%Y%m%d%H%M%S}", "A017_20261105000042_20261121091305")
    assert parts is not None
    assert parts.started_at is not None
    assert (parts.agent_id, parts.order_id, parts.call_id) == ("A017", "20261105000042", None)
    assert parts.started_at.isoformat() == "2026-11-21T09:13:05+08:00"


def test_parts_without_a_name_are_passed_over_and_times_may_have_any_form() -> None:
    pattern = "{}-{started_at:%Y-%m-%d %H.%M.%S}-[{customer_phone}]-{call_id}"
    parts = read(pattern, "in-2026-07-01 09.00.00-[13800001234]-客服-7", "America/New_York")
    assert parts is not None
    assert parts.started_at is not None
    assert (parts.customer_phone, parts.call_id) == ("13800001234", "客服-7")
    assert parts.started_at.isoformat() == "2026-07-01T09:00:00-04:00"


@pytest.mark.parametrize(
    ("pattern", "name", "call_id", "leg"),
    [
        ("{call_id}-{leg}", "7001-in", "7001", "in"),
        ("{}-{call_id}-{leg}", "q-7001-rx", "7001", "rx"),
        ("{agent_id}_{order_id}_{leg}", "A017_o1_in", "A017_o1", "in"),
        ("{leg}_{order_id}", "in_o1", "o1", "in"),
        ("{order_id}-{leg}-{agent_id}", "o1-out-A017", "o1-A017", "out"),
    ],
)
def test_the_legs_of_a_call_share_an_id(pattern: str, name: str, call_id: str, leg: str) -> None:
    parts = read(pattern, name)
    assert parts is not None
    assert (parts.call_id, parts.leg) == (call_id, leg)


@pytest.mark.parametrize("name", ["00010101000000", "99991231235959", "19991231235959"])
def test_a_name_with_a_time_at_which_no_call_began_does_not_fit(name: str) -> None:
    assert read("{started_at:%Y%m%d%H%M%S}", name) is None


@pytest.mark.parametrize(
    "name",
    [
        "A017_20261105000042",
        "A017_o1_20261131091305",  # no 31st of November
        "A017_o1_2026112109130",
        "A017_o1_20261121091305_2",
        "A017__20261121091305",
        "A0_17_o1_20261121091305",  # an agent with the separator in the id: nobody knows where it ends
        "",
    ],
)
def test_a_name_that_does_not_fit_is_not_guessed_at(name: str) -> None:
    assert read("{agent_id}_{order_id}_{started_at:%Y%m%d%H%M%S}", name) is None


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (
            "{agent}_{order_id}",
            "unknown field {agent}; known are call_id, order_id, agent_id, customer_phone, leg, started_at",
        ),
        ("{agent_id}{order_id}", "no text between {agent_id} and {order_id}"),
        ("{order_id}_{order_id}", "{order_id} is given twice"),
        ("{order_id", "braces do not match"),
        ("recording", "it has no field"),
        ("{started_at}", "its form is missing; write it like {started_at:%Y%m%d%H%M%S}"),
        ("{started_at:%Y%q}", "%q is not known"),
        ("{started_at:%H%M%S}", "names no day"),
        ("{order_id:5}", "only started_at has a form"),
        ("{order_id!r}", "has a !"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, pattern: str, says: str) -> None:
    (tmp_path / "qareport.yaml").write_text(f"ingest:\n  name_pattern: '{pattern}'\n")
    with pytest.raises(ConfigError) as caught:
        settings.load(tmp_path)
    (problem,) = caught.value.problems
    assert says in str(problem)
    assert f"qareport.yaml:2:3: name_pattern: got '{pattern}'" in str(problem)
