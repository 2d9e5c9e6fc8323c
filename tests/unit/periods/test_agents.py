"""What a period says of each agent: whom to coach on what, whom to praise, and where to listen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qareport import periods
from qareport.model import Agent, AgentRow, CallSummary, MomentKind, PeriodReport, Role, Roster
from tests.support.period_samples import DAY, SETTINGS, TODAY, call, hit, moment


def build(*calls: CallSummary, before: tuple[CallSummary, ...] = ()) -> PeriodReport:
    return periods.build_period(TODAY, calls, before, (), SETTINGS)


def row(report: PeriodReport, agent: str) -> AgentRow:
    return next(row for row in report.agents if row.agent_id == agent)


def test_an_agent_is_coached_on_what_cost_most_and_listens_to_the_worst_call() -> None:
    report = build(
        call("1", score=85, hits=(hit(2), hit(0, at_ms=63_000, quote="给差评"))),
        call("2", score=70, hits=(hit(0, at_ms=8_000, quote="压单"),)),
        call("3", score=95, hits=(hit(2),)),
    )
    fault = row(report, "A01").main_fault
    assert fault is not None
    assert (fault.title, fault.calls, fault.points_lost) == ("发货疑问后的沉默", 2, 20)
    assert (fault.evidence.order_id, fault.evidence.at_ms, fault.evidence.quote) == ("order-2", 8_000, "压单")


def test_a_hit_with_words_is_listened_to_before_a_worse_call_without_any() -> None:
    silent = call("1", score=40, hits=(hit(0, quote=""),))
    report = build(silent, call("2", score=90, hits=(hit(0, quote="压单"),)))
    assert (fault := row(report, "A01").main_fault) is not None
    assert fault.evidence.call_id == "2"


def test_nobody_is_coached_on_nothing() -> None:
    assert row(build(call("1", hits=(hit(5),))), "A01").main_fault is None


def test_praise_names_what_was_done_well_in_a_call_that_passed() -> None:
    own = replace(hit(5, at_ms=90_000, quote="祝您生活愉快"), role=Role.AGENT)
    report = build(call("1", hits=(own,)), call("2", agent="A02", score=50, passed=False, hits=(own,)))
    praise = row(report, "A01").praise
    assert praise is not None
    assert (praise.title, praise.evidence.at_ms, praise.evidence.quote) == ("优秀结束语", 90_000, "祝您生活愉快")
    assert row(report, "A02").praise is None


def test_the_customers_words_are_no_proof_of_praise() -> None:
    praise = row(build(call("1", hits=(hit(5, quote="你们真差"),))), "A01").praise
    assert praise is not None
    assert praise.evidence.quote == ""


def test_what_a_third_of_all_calls_are_praised_for_praises_nobody() -> None:
    calls = [call(f"{number}", hits=(hit(5),) if number < 5 else ()) for number in range(12)]
    assert row(build(*calls), "A01").praise is None


def test_a_customer_who_was_calmed_down_is_praise_too() -> None:
    calm = moment(MomentKind.RECOVERY, "好吧，谢谢你", at_ms=120_000)
    praise = row(build(call("1", emotions=("ANGRY",), recovered=True, moments=(calm,))), "A01").praise
    assert praise is not None
    assert (praise.rule_id, praise.title, praise.evidence.quote) == ("", "", "好吧，谢谢你")


def test_a_difference_from_before_is_clear_only_beyond_chance() -> None:
    yesterday = DAY - timedelta(days=1)
    before = tuple(call(f"b{number}", day=yesterday, score=90 + number % 5) for number in range(20))
    low = build(*(call(f"{number}", score=60 + number % 5) for number in range(10)), before=before)
    same = build(*(call(f"{number}", score=91 + number % 5) for number in range(3)), before=before)
    assert row(low, "A01").baseline_clear
    assert not row(same, "A01").baseline_clear


GROUPS = Roster(
    (
        Agent(id="A01", name="王芳", group="物流组"),
        Agent(id="A02", name="李敏", group="物流组"),
        Agent(id="A03", name="孙晓", group="售后组"),
    )
)


def test_the_calls_of_a_group_are_added_up_and_those_without_one_come_last() -> None:
    calls = (
        call("1", agent="A01", score=60, hits=(hit(0),)),
        call("2", agent="A02", score=80),
        call("3", agent="A03", score=95),
        call("4", agent="A99", score=10),
    )
    report = periods.build_period(TODAY, calls, (), (), SETTINGS, roster=GROUPS)
    assert [(row.group, row.agents, row.calls, row.mean_score.value) for row in report.groups] == [
        ("物流组", 2, 2, 70.0),
        ("售后组", 1, 1, 95.0),
        ("", 1, 1, 10.0),
    ]
    assert sum(row.calls for row in report.groups) == sum(row.calls for row in report.agents)
    assert (fault := report.groups[0].main_fault) is not None
    assert fault.evidence.call_id == "1"


def test_a_single_group_is_the_team_and_is_not_said_twice() -> None:
    calls = (call("1", agent="A01"), call("2", agent="A02"))
    assert periods.build_period(TODAY, calls, (), (), SETTINGS, roster=GROUPS).groups == ()
    alone = periods.build_period(
        TODAY, (*calls, call("3", agent="A03")), (), (), SETTINGS, roster=GROUPS, agent_id="A01"
    )
    assert alone.groups == ()
