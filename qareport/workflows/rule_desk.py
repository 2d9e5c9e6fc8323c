"""The rule files of an installation, as an editor sees them: read, checked, tested, explained and replayed before a
text counts. Publishing is in `rule_publishing`. Nothing here knows of HTTP; all of it is safe for threads.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from qareport import messages, privacy, rules
from qareport.errors import BusyError, ConfigError, NotFoundError, Problem, QareportError, SourceLocation
from qareport.messages import say
from qareport.model import Agents, PersonalKind, Transcript
from qareport.presentation.locale import speaking
from qareport.rules import RuleFiles, RuleSet, RuleTestResult
from qareport.rules.rule_files import TEST_SUFFIX
from qareport.settings import default_dir
from qareport.workflows.judge import RuleBook, context_of, stored_judgements, transcript_of
from qareport.workflows.rejudging import forget_changed_rules
from qareport.workflows.rule_background import ReplayRun, ReplayState, RuleHits
from qareport.workflows.workspace import Workspace

#: A name of a rule file: no hidden file, no way out of the folder.
_NAME: Final = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*\.yaml", re.ASCII)
#: A replay walks through so many calls at most, the newest of the range.
MOST_CALLS: Final = 20_000
#: So many people may test or replay at the same time.
_AT_ONCE: Final = 2
_MOST_BYTES: Final = 1_000_000
#: What came of so many people's replays is kept.
_MOST_REPLAYS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFileEntry:
    """One file of the folder of rules, for a list."""

    name: str
    #: "rules", "tests" or "synonyms".
    kind: str
    #: The category of most of its rules; "" for files without rules.
    category: str
    #: Ids and titles of its rules, in order; empty where it cannot be read.
    rules: tuple[tuple[str, str], ...]
    errors: int
    warnings: int
    #: Hits of its rules in 30 days; None for files without rules, and while they are counted.
    hits: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFileText:
    """A file as it is in the folder; "" and no hash for one that is not there."""

    name: str
    text: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """What lint says of all files with an edit in place."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    #: Hash of the rule set with the edit; None while it has errors.
    sha256: str | None

    def of_file(self, path: str) -> tuple[Problem, ...]:
        """Return what is about one file, given as messages name it."""
        return tuple(problem for problem in (*self.errors, *self.warnings) if _file_of(problem) == path)


#: Texts in place of files, by name; the others are as the folder has them.
Edit = Mapping[str, str]


class RuleDesk:
    """The rule files of an installation, and what can be asked about an edit of them."""

    def __init__(self, workspace: Workspace) -> None:
        """Take the installation; nothing is read before it is asked for."""
        self.workspace: Final = workspace
        self._hits = RuleHits(workspace.store)
        self._busy: set[int] = set()
        #: What lint said last, and of what.
        self._linted: tuple[Hashable, tuple[Problem, ...]] = (None, ())
        #: The newest replay of each person.
        self._replays: dict[int, ReplayRun] = {}
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    # --- files --------------------------------------------------------------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Whether files can be published: the folder can be written, and is not that of the installed package."""
        folder = self.workspace.rules_dir
        packaged = default_dir("config") / "rules"
        is_package = folder.resolve() == packaged.resolve() and packaged.parent.parent.name == "bundled"
        return not is_package and os.access(folder, os.W_OK | os.X_OK)

    def list_files(self, agents: Agents = Agents()) -> tuple[RuleFileEntry, ...]:  # noqa: B008 - frozen
        """Return all files with their rules, what lint says of each, and their hits in calls of some agents."""
        files = self._files()
        check = self.check({})
        by_file: dict[str, list[tuple[str, str]]] = {}
        categories: dict[str, str] = {}
        hits: Counter[str] = Counter()
        for name in files.rule_names:
            found = _read(files.contents[name])
            by_file[name] = [(rule.rule_id, rule.title) for rule in found]
            categories[name] = category_of(found)
        counted = self._hits.count(agents)
        for name, titles in by_file.items():
            hits[name] = sum((counted or hits)[rule_id] for rule_id, _title in titles)
        return tuple(
            RuleFileEntry(
                name=name,
                kind=rules.kind_of(name),
                category=categories.get(name, ""),
                rules=tuple(by_file.get(name, ())),
                errors=sum(_file_of(problem) == files.path_of(name) for problem in check.errors),
                warnings=sum(_file_of(problem) == files.path_of(name) for problem in check.warnings),
                hits=hits[name] if counted is not None and rules.kind_of(name) == "rules" else None,
            )
            for name in files.contents
        )

    def read(self, name: str) -> RuleFileText:
        """Return a file as it is now.

        Raises:
            NotFoundError: there is none of this name, and the name is not one that a new file can have.
        """
        check_name(name)
        content = self._files().contents.get(name)
        if content is None:
            return RuleFileText(name=name, text="", sha256=None)
        text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        return RuleFileText(name=name, text=text, sha256=hashlib.sha256(content).hexdigest())

    def partner_of(self, name: str) -> str:
        """Return the file with the examples of a file of rules, or with the rules of a file of examples; "": none."""
        stem = name.removesuffix(".yaml")
        other = f"{stem.removesuffix('.test')}.yaml" if stem.endswith(".test") else f"{stem}.test.yaml"
        return other if other in self._files().contents else ""

    def path_of(self, name: str) -> str:
        """Return how messages name a file."""
        return f"{self.workspace.rules_dir}/{name}"

    def shared_lists(self) -> tuple[str, ...]:
        """Return the names of the lists of words that rules share; none where no rules can be read."""
        try:
            return tuple(self._book().ruleset.shared.lists)
        except ConfigError:
            return ()

    # --- questions about an edit --------------------------------------------------------------------------------------

    def check(self, edit: Edit) -> RuleCheck:
        """Lint all files with an edit in place; the cost is that of the files that changed."""
        try:
            ruleset = self._load(edit)
            warnings = self._lint(ruleset)
        except ConfigError as error:
            return RuleCheck(errors=error.problems, warnings=(), sha256=None)
        return RuleCheck(errors=(), warnings=warnings, sha256=ruleset.sha256)

    def test(self, edit: Edit, user_id: int) -> tuple[RuleTestResult, ...]:
        """Run all tests beside the rules with an edit in place.

        Raises:
            ConfigError: the files have errors.
            BusyError: the person has another test or replay under way.
        """
        with self._turn(user_id), self._slots:
            return self.run_tests(self._load(edit))

    def run_tests(self, ruleset: RuleSet) -> tuple[RuleTestResult, ...]:
        """Run the tests beside a rule set, failures in the language of messages."""
        book = self._book()
        with speaking(messages.language()):
            return rules.run_rule_tests(
                ruleset, book.analyse, self._find_transcript, read=book.read, time_zone=book.time_zone
            )

    def explain(self, edit: Edit, call_id: str, rule_id: str | None = None) -> tuple[str, ...]:
        """Tell why rules hit a stored call, or why one rule hit or missed it, with an edit in place; lines of a tree.

        Raises:
            ConfigError: the files have errors.
            NotFoundError: no such rule or call.
        """
        ruleset = self._load(edit)
        book = replace(self._book(), ruleset=ruleset)
        if rule_id is not None and ruleset.find(rule_id) is None:
            raise NotFoundError(say("no rule {rule!r}", rule=rule_id))
        context = context_of(self.workspace.store, call_id, book)
        hide = privacy.quote_masker(context.transcript.segments, self.kinds)
        lines: list[str] = []
        with speaking(messages.language()):
            for rule in ruleset.rules:
                if rule_id is not None and rule.id != rule_id:
                    continue
                explanation = rules.explain(rule, context, hide, lists=ruleset.shared.lists)
                if rule_id is not None or explanation.outcome == "hit":
                    lines += rules.draw(explanation)
        return tuple(lines)

    def replay(
        self, edit: Edit, user_id: int, *, first: date | None, last: date | None, agents: Agents
    ) -> tuple[rules.Replay, str]:
        """Match an edit against stored calls, as `start_replay` does, and wait for it.

        Returns:
            what it changes, and the hash of the rule set that was matched.

        Raises:
            QareportError: it was stopped meanwhile, or as `start_replay`.
        """
        run = self.start_replay(edit, user_id, first=first, last=last, agents=agents)
        run.wait()
        if run.result is None:
            raise run.problem or QareportError(say("the replay was stopped"))
        run.is_seen = True
        return run.result, run.sha256

    def start_replay(
        self, edit: Edit, user_id: int, *, first: date | None, last: date | None, agents: Agents
    ) -> ReplayRun:
        """Begin to match an edit against stored calls; it goes on by itself.

        Args:
            edit: texts in place of files.
            user_id: who asks; one replay at a time.
            first: only calls from this day on.
            last: only calls up to this day.
            agents: whose calls.

        Raises:
            ConfigError: the files have errors.
            BusyError: the person has another test or replay under way.
        """
        with ExitStack() as turn:
            turn.enter_context(self._turn(user_id))
            ruleset, zone, store = self._load(edit), self._book().time_zone, self.workspace.store
            until = None if last is None else datetime.combine(last + timedelta(days=1), time(), zone)
            since = None if first is None else datetime.combine(first, time(), zone)
            total = store.results.count_judged(since, until=until, most=MOST_CALLS)
            run = ReplayRun(edit, user_id, sha256=ruleset.sha256, total=total, first=first, last=last)

            def work() -> rules.Replay:
                calls = (
                    call
                    for call in run.counted(stored_judgements(store, since, until=until, most=MOST_CALLS))
                    if call is None or agents.holds(call.snapshot.agent_id)
                )
                score = self.workspace.settings.score
                with self._slots:
                    return rules.replay(ruleset, calls, score, kinds=self.kinds, time_zone=zone)

            with self._lock:
                if len(self._replays) >= _MOST_REPLAYS:
                    self._replays = {
                        user: kept for user, kept in self._replays.items() if kept.state is ReplayState.RUNNING
                    }
                self._replays[user_id] = run
            run.start(work, at_end=turn.pop_all().close)
            return run

    def find_replay(self, user_id: int) -> ReplayRun | None:
        """Return a person's newest replay since the desk was started."""
        return self._replays.get(user_id)

    def cut_test(self, call_id: str, rule_id: str) -> str:
        """Cut a masked test of a rule from a stored call, as lines of a test file.

        Raises:
            NotFoundError: no such rule or call.
        """
        book = self._book()
        rule = book.ruleset.find(rule_id)
        transcript = self._find_transcript(call_id)
        if rule is None or transcript is None:
            raise NotFoundError(say("no rule {rule!r}, or no call {call!r}", rule=rule_id, call=call_id))
        return rules.export_rule_test(transcript, rule, book.ruleset, book.analyse, book.read)

    @property
    def kinds(self) -> Collection[PersonalKind]:
        """The personal data that may not be shown."""
        settings = self.workspace.settings.privacy
        return settings.kinds if settings.enabled else ()

    # --- within -------------------------------------------------------------------------------------------------------

    def _files(self) -> RuleFiles:
        return RuleFiles.from_folder(self.workspace.rules_dir)

    def _load(self, edit: Edit) -> RuleSet:
        files = self._files()
        for name, text in edit.items():
            files = files.edited(check_name(name), _checked_size(name, text))
        return rules.load(files)

    def _lint(self, ruleset: RuleSet) -> tuple[Problem, ...]:
        settings, today = self.workspace.settings, datetime.now().astimezone().date()
        key = (ruleset.sha256, today, messages.language())
        if self._linted[0] != key:
            found = rules.lint(
                ruleset,
                silence_ms=settings.analysis.silence_ms,
                topics=tuple(topic.name for topic in self.workspace.topics.topics),
                promises=tuple(promise.name for promise in self.workspace.topics.promises),
                categories=[category.name for category in settings.score.categories],
                today=today,
            )
            self._linted = (key, found)
            return found
        return self._linted[1]

    def _book(self) -> RuleBook:
        """Return the rule book in use, or with the last valid rules while those in the folder are broken."""
        forget_changed_rules(self.workspace)
        return self.workspace.rule_book_for_run

    def _find_transcript(self, call_id: str) -> Transcript | None:
        store = self.workspace.store
        try:
            return transcript_of(store.results.get(call_id), store.calls.find_order_id(call_id))
        except NotFoundError:
            return None

    @contextmanager
    def _turn(self, user_id: int) -> Iterator[None]:
        """Let each person do one long thing at a time; few are done at the same time (`_slots`)."""
        with self._lock:
            if user_id in self._busy:
                to_do = say("wait until it ends")
                raise BusyError(say("another test or replay of yours is under way"), to_do=to_do)
            self._busy.add(user_id)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(user_id)


def check_name(name: str) -> str:
    """Return a name of a rule file, if it is one.

    Raises:
        NotFoundError: it is none, or leads out of the folder.
    """
    if not _NAME.fullmatch(name) or len(name) > 200:
        to_do = say("small Latin letters, digits and dashes, ending in .yaml")
        raise NotFoundError(say("there is no rule file {name!r}", name=name[:100]), to_do=to_do)
    return name


def sibling_of(name: str) -> str | None:
    """Return the test file beside a rule file, or the rule file beside a test file; None for synonyms."""
    if name.endswith(TEST_SUFFIX):
        return name.removesuffix(TEST_SUFFIX) + ".yaml"
    is_rules = rules.kind_of(name) == "rules"
    return str(PurePosixPath(name).with_suffix(TEST_SUFFIX)) if is_rules else None


def _checked_size(name: str, text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        raise ConfigError([Problem(what=say("larger than {size} bytes", size=_MOST_BYTES), where=name)])
    return text


def category_of(found: Sequence[rules.EditableRule]) -> str:
    """Return the category of most of some rules; "" for none."""
    return next((category for category, _count in Counter(rule.category for rule in found).most_common(1)), "")


@lru_cache(maxsize=32)
def _read(content: bytes) -> tuple[rules.EditableRule, ...]:
    try:
        return rules.read_rules(content.decode("utf-8-sig", "replace"))
    except ConfigError:
        return ()


def _file_of(problem: Problem) -> str:
    return problem.where.file if isinstance(problem.where, SourceLocation) else str(problem.where)
