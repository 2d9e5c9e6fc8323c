"""Everything that turns a transcript into a judged call: settings, topics and rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from qareport import __version__, analysis, rules
from qareport.codec import to_json
from qareport.keys import content_key
from qareport.model import Analysis, Note, Transcript
from qareport.settings import Settings


@dataclass(frozen=True, kw_only=True)  # no slots: the key is kept once it is known
class RuleBook:
    """Settings, topics and rules, and what readers must know of them."""

    settings: Settings
    topics: analysis.Topics
    ruleset: rules.RuleSet
    #: What a reader must know of the rules in use; stands at the top of every report.
    notes: tuple[Note, ...] = ()

    def analyse(self, transcript: Transcript) -> Analysis:
        """Find what happened in a call, with these settings and topics."""
        return analysis.analyse(transcript, self.settings.analysis, self.topics)

    @property
    def topic_names(self) -> tuple[str, ...]:
        """Names of the issue types."""
        return tuple(topic.name for topic in self.topics.topics)

    @cached_property
    def key(self) -> str:
        """Hash of everything here that decides a judgement."""
        return content_key(
            __version__,
            to_json(self.settings.analysis),
            to_json(self.settings.score),
            repr(self.topics),
            self.ruleset.sha256,
            *(to_json(note) for note in self.notes),
        )
