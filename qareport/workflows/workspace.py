"""An installation: configuration, rules, templates, store and speech model, each located and read once.

Command line, daily run, web pages and workers all start from `Workspace.open`. Nothing is read before it is asked for,
and what was read is kept, so one command parses each file once and hashes the model once. Each part is imported when it
is asked for, so a command that needs only settings and store (`qareport report`) starts quickly.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from qareport.errors import ConfigError, Problem
from qareport.files import content_key, share_with_group
from qareport.messages import say
from qareport.workflows.store_url import choose_store

if TYPE_CHECKING:
    import pandas

    from qareport.analysis import Topics
    from qareport.asr import EngineFiles, Transcriber
    from qareport.model import OrderReport, Roster
    from qareport.settings import Locale, Settings
    from qareport.store import Store
    from qareport.understanding import Reader
    from qareport.workflows.judge import RuleBook
    from qareport.workflows.transcribe import RecordingTranscriber

DEFAULT_MODEL = "iic/SenseVoiceSmall"
#: Any project may have a folder of these names: only one that holds the marker is meant.
_MARKERS = {"config": "rules", "templates": "call.docx"}
_TEMPLATE_SUFFIXES = frozenset((".j2", ".css", ".js", ".docx"))

T = TypeVar("T")


class Workspace:
    """An open installation. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        *,
        config: Path,
        templates: Path,
        store_url: str,
        model: str,
        device: str,
        locale: Locale | None,
        audio: bool | None,
        language: str | None,
        on: str | None,
        make_store: bool,
    ) -> None:
        """Take what `open` has decided."""
        self._config = config
        self._templates = templates
        self._locale: Locale | None = locale
        self._audio = audio
        self._language = language
        self._on = on
        self._make_store = make_store
        self._engine_files: EngineFiles | None = None
        #: SQLAlchemy URL of the store; may hold a password.
        self.store_url = store_url
        #: Name or directory of the speech model.
        self.model = model
        #: "auto", "cpu", "cuda" or "cuda:N".
        self.device = device

    @classmethod
    def open(
        cls,
        *,
        config: str | Path | None = None,
        templates: str | Path | None = None,
        store: str | None = None,
        model: str | None = None,
        device: str = "auto",
        locale: Locale | None = None,
        audio: bool | None = None,
        language: str | None = None,
        on: str | None = None,
        make_store: bool = False,
    ) -> Self:
        """Open an installation.

        Args:
            config: folder of `qareport.yaml`, topics and rules; None: ./config if it holds rules, else the bundled one.
            templates: folder of document templates; None: ./templates if it holds some, else the bundled one.
            store: SQLAlchemy URL; None: as `choose_store` says.
            model: "demo", a directory, or a hub name; None: iic/SenseVoiceSmall.
            device: where the model runs: "auto", "cpu", "cuda" or "cuda:N".
            locale: overrides `report.locale`; None: as the settings say.
            audio: overrides `report.audio`; None: as the settings say.
            language: overrides `asr.language`; None: as the settings say.
            on: overrides `engine.on`; None: as the settings say.
            make_store: create the store when it does not exist; for read-only use, a wrong name is an error.
        """
        return cls(
            config=_folder("config") if config is None else Path(config),
            templates=_folder("templates") if templates is None else Path(templates),
            store_url=choose_store(store, os.environ),
            model=model or DEFAULT_MODEL,
            device=device,
            locale=locale,
            audio=audio,
            language=language,
            on=on,
            make_store=make_store,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened; what was read stays readable."""
        store = self.__dict__.pop("store", None)
        if store is not None:
            store.close()

    # --- configuration ------------------------------------------------------------------------------------------------

    @cached_property
    def config(self) -> Path:
        """The configuration folder.

        Raises:
            ConfigError: there is no such folder.
        """
        return _existing(self._config, "config")

    @cached_property
    def templates(self) -> Path:
        """The folder of document and mail templates.

        Raises:
            ConfigError: there is no such folder.
        """
        return _existing(self._templates, "templates")

    @cached_property
    def templates_key(self) -> str:
        """Hash of what documents are worded with: all files in the folder of templates, and the catalogues.

        Raises:
            ConfigError: as `templates`.
        """
        from qareport.presentation import locale

        files = sorted(path for path in self.templates.iterdir() if path.suffix in _TEMPLATE_SUFFIXES)
        hashes = ((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
        return content_key(locale.catalogues_key(), *(part for pair in hashes for part in pair))

    @property
    def rules_dir(self) -> Path:
        """The folder of rule files and their tests."""
        return self.config / "rules"

    @cached_property
    def settings(self) -> Settings:
        """The settings, with the overrides given to `open`.

        Raises:
            ConfigError: everything wrong in `qareport.yaml`, with line and column.
        """
        from qareport import settings

        written = settings.load(self.config)
        if written.privacy.group_readable:
            share_with_group()
        asr = written.asr if self._language is None else replace(written.asr, language=self._language)
        return replace(written, asr=asr, report=written.report.over(locale=self._locale, audio=self._audio))

    @cached_property
    def roster(self) -> Roster:
        """The names and groups of agents.

        Raises:
            ConfigError: everything wrong in `agents.yaml` (or `agents.csv`, `agents.xlsx`), with its place.
        """
        from qareport import settings

        return settings.load_agents(self.config)

    @cached_property
    def topics(self) -> Topics:
        """The word lists of issue types, promises and stages.

        Raises:
            ConfigError: everything wrong in `topics.yaml`, with line and column.
        """
        from qareport import analysis

        return analysis.load_topics(self.config / "topics.yaml")

    @cached_property
    def rule_book(self) -> RuleBook:
        """Settings, topics, reader and rules as they are now.

        Raises:
            ConfigError: everything wrong in all of them, with line and column.
        """
        from qareport import rules
        from qareport.workflows.judge import RuleBook

        problems: list[Problem] = []
        values = _collect(lambda: self.settings, problems)
        topics = _collect(lambda: self.topics, problems)
        reader = _collect(lambda: self._open_reader(values), problems)
        ruleset = _collect(lambda: rules.load(self.rules_dir), problems)
        if values is None or topics is None or reader is None or ruleset is None:
            raise ConfigError(problems)
        return RuleBook(settings=values, topics=topics, reader=reader, ruleset=ruleset)

    def _open_reader(self, settings: Settings | None) -> Reader:
        """Open the reader of the settings; where they cannot be read, any, so that `acts.yaml` is checked too."""
        from qareport.settings import UnderstandingSettings
        from qareport.understanding import open_reader

        return open_reader(settings.understanding if settings else UnderstandingSettings(), self.config)

    @cached_property
    def rule_book_for_run(self) -> RuleBook:
        """The rule book of a run: valid rules are kept in the store; broken ones are replaced by its last valid set.

        A replacement is named by the note `rules_last_good` {rules_sha256, problems, first}.

        Raises:
            ConfigError: everything wrong, where not only rules are broken, or the store has no valid set.
        """
        try:
            book = self.rule_book
        except ConfigError as error:
            return self._last_valid(error)
        self.store.rule_sets.put(book.ruleset.sha256, book.ruleset.files)
        return book

    def _last_valid(self, error: ConfigError) -> RuleBook:
        from qareport import rules
        from qareport.model import Note, NoteCode
        from qareport.workflows.judge import RuleBook

        last = self.store.rule_sets.find_newest()
        if last is None:
            raise error
        try:
            written, topics = self.settings, self.topics
            reader = self._open_reader(written)
        except ConfigError:
            raise error from None
        ruleset = rules.load(rules.RuleFiles.from_texts(last[1], where="store"))
        values = {
            "rules_sha256": ruleset.sha256,
            "problems": str(len(error.problems)),
            "first": str(error.problems[0]),
        }
        note = Note(code=NoteCode.RULES_LAST_GOOD, values=values)
        return RuleBook(settings=written, topics=topics, reader=reader, ruleset=ruleset, notes=(note,))

    # --- store --------------------------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> Store:
        """The open store; a StoreError where it cannot be opened, or does not exist and is not to be made."""
        from qareport.store import Store

        # The settings say who may read a file that is made.
        return Store(self.store_url, make=self._make_store and self.settings is not None)

    # --- stored calls, for notebooks ----------------------------------------------------------------------------------

    def calls(self) -> tuple[str, ...]:
        """Return the ids of all stored calls, oldest first, those of unknown time last."""
        from qareport.store import CallFilter

        return tuple(call_id for call_id, _ in self.store.calls.list_ids(CallFilter()))

    def orders(self) -> tuple[str, ...]:
        """Return the names that `order_report` takes: of each judged call its order, or its id if it has none."""
        from qareport.store import CallFilter

        calls = self.store.calls.list_ids(CallFilter(settled=True))
        return tuple(dict.fromkeys(order_id or call_id for call_id, order_id in calls))

    def order_report(self, order: str) -> OrderReport:
        """Assemble the report of an order, or of a call that has none; masked as the settings say.

        Raises:
            NotFoundError: the store knows no such order or call.
        """
        from qareport.workflows.render import assemble_order
        from qareport.workflows.scoped_period import Norms

        found = self.settings
        norms = Norms(self.store, found.period)
        return assemble_order(self.store, order, found.privacy, norms=norms, score=found.score, roster=self.roster)

    def to_pandas(self, kind: str) -> pandas.DataFrame:
        """Return a table of all stored calls, masked as the settings say; needs `pip install 'qareport[pandas]'`.

        Args:
            kind: "calls", "segments", "moments" or "findings"; the columns are those of `qareport export`.

        Raises:
            DocumentError: there is no such table, or pandas or pyarrow is not installed.
        """
        from qareport.workflows.export.writing import make_data_frame

        return make_data_frame(self, kind)

    def to_parquet(self, kind: str, path: str | Path) -> int:
        """Write a table of all stored calls to a Parquet file, masked as the settings say, and return its row count.

        Args:
            kind: as in `to_pandas`.
            path: the file; it appears when it is complete.

        Raises a DocumentError as `to_pandas` does, or when the file cannot be written.
        """
        from qareport.workflows.export.writing import write_parquet

        return write_parquet(self, kind, Path(path))

    # --- speech model -------------------------------------------------------------------------------------------------

    def engine_files(self) -> EngineFiles:
        """Return the files of the speech model and its parts: located, checked and hashed the first time.

        Raises:
            ModelError: it is not installed or incomplete.
        """
        from qareport import asr

        if self._engine_files is None:
            self._engine_files = asr.locate(self.model, self.settings.asr)
        return self._engine_files

    @cached_property
    def engine_key(self) -> str:
        """Hash of everything that decides a transcript besides the recording and its channel map.

        Raises:
            ModelError: as `engine_files`.
        """
        from qareport import asr

        return asr.transcription_key(self.engine_files(), self.settings.asr, self.settings.audio)

    def load_engine(self) -> Transcriber:
        """Load the speech model.

        Raises:
            ModelError: as `engine_files`; the engine is not installed, or there is no such device.
        """
        from qareport import asr

        files, values = self.engine_files(), self.settings
        return asr.load(files, device=self.device, asr=values.asr, audio=values.audio)

    def load_transcriber(self) -> RecordingTranscriber:
        """Return what `transcribe_calls` takes: the speech model, loaded here, or the cluster of `engine.on`.

        Raises:
            ModelError: as `load_engine`.
        """
        from qareport.workflows.distributed.transcriber import choose_transcriber

        return choose_transcriber(self, self._on)


def _folder(name: str) -> Path:
    from qareport.settings import default_dir

    here = Path(name)
    return here if (here / _MARKERS[name]).exists() else default_dir(name)


def _existing(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        make = say("`qareport init DIR` makes a {name} folder", name=name)
        raise ConfigError([Problem(what=say("no such folder"), where=str(folder), to_do=make)])
    return folder


def _collect(read: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        return None
