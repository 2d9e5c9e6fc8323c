"""Names of the shipped topics and rules are known to the catalogues; a name of the user's own stays."""

from __future__ import annotations

from qareport import analysis, rules
from qareport.presentation import topic_wording
from qareport.presentation.locale import speaking
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
