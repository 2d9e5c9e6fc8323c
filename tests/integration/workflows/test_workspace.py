"""An installation is opened once: its parts are read one time, closed at the end, and named when they are missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from qareport import settings
from qareport.errors import ConfigError, ModelError, NoStoreError
from qareport.model import Act, Call
from qareport.presentation import locale
from qareport.workflows.workspace import Workspace
from tests.support.calls import CUSTOMER, call, say
from tests.support.dailies import make_config, write_transcripts
from tests.support.recordings import cut_recording

#: Runs commands, and writes down which files Python opened in each, and how often.
_COUNTED = """
import collections, json, os, sys
opened = collections.Counter()
def count(event, arguments):
    if event == "open" and isinstance(arguments[0], str | os.PathLike):
        opened[os.path.abspath(arguments[0])] += 1
sys.addaudithook(count)
from qareport import cli
counts = []
for arguments in json.loads(sys.argv[2]):
    opened.clear()
    assert cli.main(arguments) == 0, arguments
    counts.append(dict(opened))
open(sys.argv[1], "w").write(json.dumps(counts))
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(settings.default_dir("config"), tmp_path / "config"))


@pytest.fixture
def workspace(tmp_path: Path, config: Path) -> Workspace:
    return Workspace.open(config=config, store=f"sqlite:///{tmp_path / 'q.db'}", model="demo", make_store=True)


def count_opened(folder: Path, *commands: Sequence[str]) -> list[dict[str, int]]:
    """Run commands in a folder; return how often each opened each file below it, by relative path."""
    result = folder / "opened.json"
    command = [sys.executable, "-c", _COUNTED, str(result), json.dumps(commands)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    inside = f"{folder.resolve()}/"
    return [
        {path.removeprefix(inside): times for path, times in opened.items() if path.startswith(inside)}
        for opened in json.loads(result.read_text("utf-8"))
    ]


# --- read once --------------------------------------------------------------------------------------------------------


def test_a_command_reads_each_configuration_file_once(tmp_path: Path) -> None:
    commands = (
        ("run", "in", "--model", "demo", "--device", "cpu", "--format", "json"),
        ("analyse", "calls.jsonl", "--format", "json"),
        ("daily", "--date", "2026-11-21"),
        ("rules", "test"),
        ("rules", "lint"),
    )
    make_config(tmp_path / "config", port=9, attach=["docx"])
    write_transcripts(tmp_path / "calls.jsonl", 2)
    cut_recording(tmp_path / "in" / "a.wav")
    for arguments, opened in zip(commands, count_opened(tmp_path, *commands), strict=True):
        read = {path: times for path, times in opened.items() if path.startswith("config/")}
        assert {"config/qareport.yaml", "config/topics.yaml", "config/rules/logistics.yaml"} <= read.keys(), arguments
        assert set(read.values()) == {1}, (arguments, read)


def test_rules_topics_and_settings_are_the_same_objects_whoever_asks(workspace: Workspace) -> None:
    assert workspace.rule_book is workspace.rule_book
    assert workspace.rule_book.settings is workspace.settings
    assert workspace.rule_book.topics is workspace.topics


def test_the_model_is_located_checked_and_hashed_once(workspace: Workspace) -> None:
    files = workspace.engine_files()
    assert workspace.engine_files() is files
    assert workspace.load_engine().info is files.info
    assert workspace.engine_key == workspace.engine_key


def test_a_run_keeps_valid_rules_and_asks_for_them_once(workspace: Workspace) -> None:
    with workspace:
        rule_book = workspace.rule_book_for_run
        assert workspace.rule_book_for_run is rule_book
        assert workspace.store.rule_sets.find(rule_book.ruleset.sha256) == dict(rule_book.ruleset.files)


# --- defaults ---------------------------------------------------------------------------------------------------------


def test_nothing_named_means_the_folders_here_and_else_the_bundled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()  # of another program: it holds no template of ours
    assert Workspace.open().config == settings.default_dir("config")
    assert Workspace.open().templates == settings.default_dir("templates")
    shutil.copytree(settings.default_dir("config"), tmp_path / "config")
    assert Workspace.open().config.resolve() == tmp_path / "config"
    assert Workspace.open().store_url == "sqlite:///qareport.db"
    assert Workspace.open().model == "iic/SenseVoiceSmall"


def test_language_and_sound_override_the_settings_for_everything_that_is_made(config: Path) -> None:
    opened = Workspace.open(config=config, locale="en", audio=True)
    assert (opened.settings.report.locale, opened.settings.report.audio) == ("en", True)
    plain = Workspace.open(config=config)
    assert (plain.settings.report.locale, plain.settings.report.audio) == ("zh", False)
    assert opened.rule_book.key == plain.rule_book.key, "they decide no judgement"


def test_an_edited_template_is_another_key(tmp_path: Path, config: Path) -> None:
    templates = Path(shutil.copytree(settings.default_dir("templates"), tmp_path / "templates"))
    before = Workspace.open(config=config, templates=templates).templates_key
    assert Workspace.open(config=config, templates=templates).templates_key == before
    (templates / "call.css").write_text(".mine { color: red }\n", "utf-8")
    assert Workspace.open(config=config, templates=templates).templates_key != before


def test_a_catalogue_that_says_something_else_is_another_key(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = settings.default_dir("templates")
    before = Workspace.open(config=config, templates=templates).templates_key
    catalogues = Path(shutil.copytree(locale.CATALOGUES, tmp_path / "locales"))
    monkeypatch.setattr(locale, "CATALOGUES", catalogues)
    monkeypatch.setattr(locale, "catalogues_key", locale.catalogues_key.__wrapped__)  # read anew
    assert Workspace.open(config=config, templates=templates).templates_key == before
    with next(catalogues.rglob("*.mo")).open("ab") as file:
        file.write(b"x")
    assert Workspace.open(config=config, templates=templates).templates_key != before


# --- what is missing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config", "templates"])
def test_a_named_folder_that_does_not_exist_is_named_with_what_makes_one(tmp_path: Path, name: str) -> None:
    opened = Workspace.open(**{name: tmp_path / "nowhere"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=f"nowhere: no such folder; `qareport init DIR` makes a {name} folder"):
        getattr(opened, name)


def test_everything_wrong_in_settings_topics_and_rules_is_told_at_once(config: Path) -> None:
    (config / "qareport.yaml").write_text("audio: {max_duration: 1}\n", "utf-8")
    (config / "topics.yaml").write_text("topics: 5\n", "utf-8")
    (config / "rules" / "price.yaml").write_text("schema: 1\nrulez: []\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        Workspace.open(config=config).rule_book  # noqa: B018 - it is read for the first time
    for place in ("qareport.yaml:1:", "topics.yaml:1:", "price.yaml:2:1"):
        assert place in str(caught.value)


def test_the_users_own_words_change_the_reader_and_the_key_of_the_rule_book(config: Path) -> None:
    before = Workspace.open(config=config).rule_book
    (config / "acts.yaml").write_text("schema: 1\ncustomer: {threaten: {always: [找你们老板]}}\n", "utf-8")
    after = Workspace.open(config=config).rule_book
    said = call(say(0, 2, CUSTOMER, "我去找你们老板。"))
    assert next((spoken.act, spoken.reader) for spoken in after.read(said).segments[0].acts) == (Act.THREATEN, "words")
    assert before.key != after.key


def test_broken_words_of_acts_are_told_with_everything_else_that_is_wrong(config: Path) -> None:
    (config / "acts.yaml").write_text("schema: 1\ncustomer: {rude: {}}\n", "utf-8")
    (config / "qareport.yaml").write_text("nothing: 1\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        _ = Workspace.open(config=config).rule_book
    assert {str(problem.where).split("/")[-1].split(":")[0] for problem in caught.value.problems} == {
        "acts.yaml",
        "qareport.yaml",
    }


def test_a_store_that_does_not_exist_is_made_only_where_calls_are_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    with Workspace.open(store=f"sqlite:///{path}") as opened, pytest.raises(NoStoreError, match="does not exist"):
        opened.store  # noqa: B018 - it is opened for the first time
    assert not path.exists()
    with Workspace.open(store=f"sqlite:///{path}", make_store=True) as opened:
        assert opened.store.calls.count().total == 0


def test_a_model_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        Workspace.open(model=str(tmp_path / "nowhere")).engine_files()


# --- closed -----------------------------------------------------------------------------------------------------------


def test_the_store_is_closed_with_the_workspace(tmp_path: Path, workspace: Workspace) -> None:
    log = tmp_path / "q.db-wal"  # SQLite removes it with the last connection
    with workspace:
        workspace.store.calls.put(Call(call_id="c1", audio_path=""))
        assert log.exists()
    assert not log.exists()


def test_a_workspace_of_which_nothing_was_asked_opens_and_closes_nothing(tmp_path: Path, workspace: Workspace) -> None:
    with workspace:
        pass
    assert not (tmp_path / "q.db").exists()


def test_importing_the_workspace_loads_no_large_library() -> None:
    code = "import sys, qareport.workflows.workspace; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    large = {"torch", "funasr", "numpy", "av", "sqlalchemy", "docx", "docxtpl", "weasyprint", "fsspec"}
    assert not large & set(ran.stdout.split())
