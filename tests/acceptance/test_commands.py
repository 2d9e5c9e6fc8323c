"""The command line as a contract: names, options before and after the command, exit status, what goes where."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from qareport import cli
from tests.support.command import run_qareport, start_qareport
from tests.support.paths import ROOT
from tests.support.recordings import cut_recording
from tests.support.subtitles import read_srt, read_vtt

CALLS = ROOT / "qareport" / "bundled" / "calls"

LINE = {
    "call_id": "given-1",
    "order_id": "20261105000042",
    "segments": [
        {"start_ms": 0, "end_ms": 2000, "role": "agent", "text": "您好，请问有什么可以帮您？"},
        {"start_ms": 2300, "end_ms": 5000, "role": "customer", "text": "我昨天下的单，什么时候发货？"},
        {"start_ms": 9500, "end_ms": 11000, "role": "customer", "text": "你们是不是压单啊！"},
    ],
}


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps(LINE, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def test_transcripts_from_elsewhere_become_reports_without_a_model(transcript: Path, tmp_path: Path) -> None:
    ran = start_qareport(["analyse", transcript, "--out", "r", "--format", "json,docx"], cwd=tmp_path)
    assert ran.status == 0, ran.stderr
    report = json.loads((tmp_path / "r" / "reports" / "20261105000042.json").read_text("utf-8"))
    call = report["calls"][0]
    assert [silence["start_ms"] for silence in call["silences"]] == [5000]
    assert any(moment["kind"] == "topic_mention" for moment in call["moments"])
    assert call["notes"], "what could not be judged is said"
    assert (tmp_path / "r" / "reports" / "20261105000042.docx").stat().st_size > 5000


def test_one_bad_transcript_among_good_ones_is_listed_and_the_exit_status_is_1(
    transcript: Path, tmp_path: Path
) -> None:
    with transcript.open("a") as file:
        file.write('{"segments": [{"start_ms": 5, "end_ms": 1, "text": ""}]}\n')
    ran = run_qareport(["analyse", transcript, "--format", "json"], cwd=tmp_path)
    assert ran.status == 1
    assert "Calls done:   1" in ran.stdout
    assert "calls.jsonl:2" in ran.stdout


def test_the_reason_of_a_failed_call_is_in_the_language_of_documents(transcript: Path, tmp_path: Path) -> None:
    with transcript.open("a") as file:
        file.write('{"schema_version": 9}\n')
    for option, reason in (("zh", "schema_version 是 9；应为：1；请更新 qareport"), ("en", "schema_version is 9")):
        ran = run_qareport(["analyse", transcript, "--format", "json", "--locale", option], cwd=tmp_path)
        assert ran.status == 1
        assert reason in ran.stdout
    assert "schema_version 是 9" in run_qareport(["analyse", transcript, "--format", "json"], cwd=tmp_path).stdout


def test_global_options_may_stand_before_or_after_the_command(transcript: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'mine.db'}"
    assert start_qareport(["--store", store, "analyse", transcript, "--format", "json"], cwd=tmp_path).status == 0
    ran = run_qareport(["report", "20261105000042", "--format", "json", "--store", store], cwd=tmp_path)
    assert ran.status == 0, ran.stderr
    assert ran.stdout == "out/reports/20261105000042.json\n"


def test_an_order_without_calls_is_answered_with_what_there_is(transcript: Path, tmp_path: Path) -> None:
    run_qareport(["analyse", transcript, "--format", "json"], cwd=tmp_path)
    ran = run_qareport(["report", "42"], cwd=tmp_path)
    assert ran.status == 2
    assert "no order or call '42'" in ran.stderr
    assert "20261105000042" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_damaged_recordings_are_each_accounted_for_and_stop_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.mp3").write_text("this is not audio")
    cut_recording(folder / "good.wav", seconds=10)
    (folder / "cut.wav").write_bytes(next(CALLS.glob("*.wav")).read_bytes()[:30])
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))  # whole, since nobody has written to them for long
    ran = run_qareport(["run", "in", "--model", "demo", "--format", "json"], cwd=tmp_path)
    assert ran.status == 1
    assert "Calls done:   1" in ran.stdout
    assert "Calls failed: 3" in ran.stdout
    for name in ("empty", "text", "cut"):
        assert f"  {name}: " in ran.stdout
    assert (tmp_path / "out" / "reports" / "good.json").exists()


def test_transcribe_writes_one_line_a_recording_in_the_order_given(tmp_path: Path) -> None:
    late, early = (cut_recording(tmp_path / f"{name}.wav", at, seconds=10) for name, at in (("b", 20), ("a", 0)))
    ran = run_qareport(["transcribe", late, early, "--model", "demo"], cwd=tmp_path)
    assert ran.status == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["audio"]["path"] for line in lines] == [str(late), str(early)]
    assert all(line["segments"] and line["model"]["name"] == "demo" for line in lines)


def test_transcribe_writes_text_and_subtitles_of_the_same_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recording = str(cut_recording(tmp_path / "call.wav", seconds=15))
    for name in ("call.jsonl", "call.srt", "call.vtt", "call.txt"):
        assert cli.main(["transcribe", recording, "--model", "demo", "-o", name]) == 0
    assert cli.main(["transcribe", recording, "--model", "demo", "--format", "rich", "-o", "rich.txt"]) == 0
    segments = json.loads(Path("call.jsonl").read_text("utf-8"))["segments"]
    times = [(segment["start_ms"], segment["end_ms"]) for segment in segments]
    for cues in (read_srt(Path("call.srt").read_text("utf-8")), read_vtt(Path("call.vtt").read_text("utf-8"))):
        assert [(cue.start_ms, cue.end_ms) for cue in cues] == times
        assert all(segment["text"] in cue.text for cue, segment in zip(cues, segments, strict=True))
        assert all("客服" in cue.text or "客户" in cue.text for cue in cues), "each cue names its speaker"
    plain, rich = Path("call.txt").read_text("utf-8"), Path("rich.txt").read_text("utf-8")
    assert "[" not in plain
    for segment in segments:
        assert segment["text"] in plain
        assert f"{segment['text']}[{segment['emotion']}]" in rich


def test_subtitles_of_several_recordings_go_into_a_folder_with_a_file_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings = [cut_recording(tmp_path / f"{name}.wav", at, seconds=10) for name, at in (("first", 0), ("then", 20))]
    command = ["transcribe", *map(str, recordings), "--model", "demo"]
    assert cli.main([*command, "-o", "both.srt"]) == 2
    assert "2 recordings, and a file of srt holds one: name a folder with -o" in capsys.readouterr().err
    assert cli.main([*command, "--format", "vtt", "-o", "subtitles"]) == 0
    assert sorted(path.name for path in Path("subtitles").iterdir()) == ["first.vtt", "then.vtt"]
    assert cli.main([*command, "--format", "text"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("#")]
    assert headings == ["# first", "# then"]


def test_transcribe_says_which_recordings_it_could_not_use_and_why(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "cut.wav").write_bytes(next(CALLS.glob("*.wav")).read_bytes()[:9000])
    (folder / "later.wav.part").write_bytes(b"RIFF")
    config = tmp_path / "config"
    config.mkdir()
    (config / "qareport.yaml").write_text("ingest:\n  settle_s: 0\n")
    ran = run_qareport(["transcribe", folder, "--model", "demo", "--config", config], cwd=tmp_path)
    assert (ran.status, ran.stdout) == (1, "")
    assert f"{folder / 'later.wav'}: is still being written" in ran.stderr
    (told,) = [line for line in ran.stderr.splitlines() if "cut off" in line]
    assert told.startswith(f"qareport: cut: {folder / 'cut.wav'}: cut off: the file promises ")
    assert told.endswith("[decode]")


def test_doctor_and_models_check_say_what_finds_speech_and_look_where_the_settings_say(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "qareport.yaml").write_text("asr:\n  vad: fsmn\n  fsmn_vad: /nowhere/fsmn\n")
    for command in (["models", "check", "demo"], ["doctor", "--model", "demo"]):
        ran = run_qareport(command, cwd=tmp_path)
        assert ran.status == 0, ran.stderr
        assert "finds speech with silero-vad 6." in ran.stdout
        assert "tells voices on one channel apart by words alone: " in ran.stdout
        ran = run_qareport([*command, "--config", config], cwd=tmp_path)
        assert ran.status == 2
        assert "asr.fsmn_vad: /nowhere/fsmn is not on this machine" in ran.stdout + ran.stderr


def test_the_published_model_that_is_not_here_is_asked_for_by_name_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    ran = run_qareport(["run", "a.wav"], cwd=tmp_path)
    assert ran.status == 2
    assert "iic/SenseVoiceSmall" in ran.stderr
    assert "--model demo" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "name recordings or folders"),
        (["run", "nowhere.wav", "--model", "demo"], "nowhere.wav: no such file or folder"),
        (["report", "1", "--format", "doc"], "expected a list of docx, pdf, html, json"),
        (["report", "1", "--config", "absent"], "absent: no such folder"),
        (["report", "1", "--store", "sqlite:////no/where/x.db"], "there is no store: /no/where/x.db does not exist"),
        (["daily", "--store", "sqlite:////no/where/x.db"], "its folder does not exist"),
        (["analyse", "absent.jsonl"], "absent.jsonl: cannot be read"),
        (["nonsense"], "No such command 'nonsense'"),
        (["daily", "--date", "9999-12-31"], "'9999-12-31' is not in the years from 2000 to 2100"),
        (["report", "--date", "0001-01-01"], "'0001-01-01' is not in the years from 2000 to 2100"),
        (["report", "--date", "2026-11-1x"], "'2026-11-1x' is no day; write it as 2026-11-21"),
        (["run", "nowhere.wav"], "no model iic/SenseVoiceSmall: run `qareport models fetch`"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_ends_with_status_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_wrong_configuration_is_reported_whole_with_line_and_column(
    transcript: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "mine"]) == 0
    (tmp_path / "mine/config/qareport.yaml").write_text("analysis:\n  silence_mss: 3\n  check_in_ms: soon\n")
    capsys.readouterr()
    assert cli.main(["analyse", str(transcript), "--config", "mine/config"]) == 2
    message = capsys.readouterr().err
    assert "mine/config/qareport.yaml:2:3: unknown key 'silence_mss'; did you mean 'silence_ms'?" in message
    assert "mine/config/qareport.yaml:3:" in message


def test_init_gives_a_folder_to_edit_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "mine"]) == 0
    assert (tmp_path / "mine/config/rules/logistics.yaml").exists()
    assert (tmp_path / "mine/templates/call.docx").exists()
    assert cli.main(["init", "mine"]) == 2
    assert "already exists" in capsys.readouterr().err


def every_command() -> Iterator[tuple[str, click.Command]]:
    """All commands and the commands within them, with what is typed to call them."""
    for name, entry in cli.COMMANDS.items():
        command = entry.load()
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", subcommand) for inner, subcommand in command.commands.items())


def test_every_command_explains_itself() -> None:
    for name, command in every_command():
        assert command.help, f"{name} has no help"
        assert name.split()[-1] == command.name
        for parameter in command.params:
            assert parameter.name


def test_every_command_has_a_short_help_that_no_list_of_commands_cuts() -> None:
    for name, command in every_command():
        assert command.short_help, f"{name} has no short help"
        assert len(command.short_help) <= 45, name


@pytest.mark.parametrize("arguments", [[], ["mail"], ["models"], ["rules"], ["store"], ["templates"]], ids=" ".join)
def test_a_list_of_commands_is_whole_on_a_terminal_of_80_columns(arguments: list[str], tmp_path: Path) -> None:
    ran = run_qareport([*arguments, "--help"], cwd=tmp_path)
    commands = ran.stdout.partition("\nCommands:\n")[2].splitlines()
    assert commands
    assert all(len(line) < 80 and re.match(r"  \w+ +\S", line) for line in commands), ran.stdout
    assert "…" not in ran.stdout
    assert "..." not in "".join(commands)


def test_an_option_that_takes_a_day_says_so_in_words_and_shows_how_it_is_written() -> None:
    days = [
        (name, option)
        for name, command in every_command()
        for option in command.params
        if isinstance(option, click.Option) and isinstance(option.type, click.DateTime)
    ]
    assert {f"{name} {option.opts[0]}" for name, option in days} >= {"rules replay --since", "report --date"}
    for name, option in days:
        assert option.metavar == "DATE", name
        assert option.help, name
        assert option.help.endswith("(YYYY-MM-DD)."), name
