"""Names of the shipped topics and rules are known to the catalogues; a name of the user's own stays."""

from __future__ import annotations

from dataclasses import replace

from qareport import analysis, report, rules
from qareport.presentation import topic_wording
from qareport.presentation.locale import speaking
from qareport.settings import ReportSettings
from tests.support import period_samples
from tests.support import report_samples as samples
from tests.support.paths import ROOT


def test_every_name_that_the_shipped_configuration_uses_is_known_and_no_other() -> None:
    topics = analysis.load_topics(ROOT / "config" / "topics.yaml")
    names = {topic.name for topic in (*topics.topics, *topics.stages, *topics.promises)}
    names |= {rule.category for rule in rules.load(rules.RuleFiles.from_folder(ROOT / "config" / "rules")).rules}
    assert names == topic_wording.SHIPPED


def test_a_name_is_written_in_the_documents_language_and_the_users_own_as_it_is() -> None:
    with speaking("en"):
        assert topic_wording.named_all(["退款", "我们自己的话题"]) == ("refund", "我们自己的话题")
    assert topic_wording.named("退款") == "退款"


def test_a_shipped_rule_is_named_in_the_documents_language_and_one_of_the_users_own_as_it_is() -> None:
    shipped = replace(samples.CALL.findings[0], title="发货疑问后的沉默", moment="推诿")
    own = replace(shipped, title="我们自己的规则", moment="自己的节点")
    order = replace(samples.EXAMPLE, calls=(replace(samples.CALL, findings=(shipped, own)),))
    with speaking("en"):
        named = topic_wording.name_rules_in_order(order)
        assert [finding.title for finding in named.calls[0].findings] == [
            "Silence after a question about dispatch",
            "我们自己的规则",
        ]
        assert [topic_wording.rule(finding.moment or "") for finding in (shipped, own)] == [
            "passes the buck",
            "自己的节点",
        ]
    assert topic_wording.name_rules_in_order(order) is order, "in Chinese they are as they were written"


def test_a_period_names_shipped_rules_in_its_language_wherever_it_names_them() -> None:
    period = period_samples.large_report(calls=200, agents=6)
    with speaking("en"):
        view = report.build_view(period, ReportSettings(locale="en"))
        title = "Silence after a question about dispatch"
        assert any(link.title.startswith(title) for link in view.weak_links)
        assert any(title in row[0].plain for row in view.rules.rows)
        assert any(title in row[7].plain for row in view.agents.rows)
        assert any(item.what.startswith(title) for item in view.coaching)
        assert title in view.sentence
