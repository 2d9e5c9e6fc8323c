"""Names and groups of agents: a YAML file, a CSV table or a workbook, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from qareport.errors import ConfigError
from qareport.model import Agent, Roster
from qareport.settings import default_dir, load_agents

WANG = Agent(id="A017", name="王芳", group="物流组")
LI = Agent(id="023", name="李敏", group="")


def test_the_shipped_file_names_nobody() -> None:
    assert load_agents(default_dir("config")) == Roster()


def test_a_folder_without_a_file_names_nobody(tmp_path: Path) -> None:
    assert list(load_agents(tmp_path)) == []


def test_yaml_names_agents_by_their_id(tmp_path: Path) -> None:
    (tmp_path / "agents.yaml").write_text(
        'agents:\n  A017: {name: 王芳, group: 物流组}\n  "023": {name: 李敏}\n', "utf-8"
    )
    assert load_agents(tmp_path) == Roster((WANG, LI))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("heads", ["工号,姓名,组别", "id,name,group"])
def test_a_table_as_excel_saves_it_is_read(tmp_path: Path, encoding: str, heads: str) -> None:
    (tmp_path / "agents.csv").write_text(f"{heads}\nA017,王芳,物流组\n\n 023 ,李敏,\n", encoding)
    assert load_agents(tmp_path) == Roster((WANG, LI))


def test_a_workbook_is_read_and_numbers_stay_ids(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("工号", "姓名", "班组"), ("A017", "王芳", "物流组"), (17, "赵一", None)):
        book.active.append(row)
    book.save(tmp_path / "agents.xlsx")
    assert load_agents(tmp_path) == Roster((WANG, Agent(id="17", name="赵一")))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("agents.yaml", "agents: {A017: {nam: 王芳}}\n", "agents.yaml:1:17: unknown key 'nam'; did you mean 'name'?"),
        (
            "agents.csv",
            "姓名,组别\n王芳,物流组\n",
            "agents.csv:1: the columns are 姓名, 组别; expected columns id, name",
        ),
        ("agents.csv", "工号,姓名\n,王芳\n", "agents.csv:2: no id; write the agent's id"),
        ("agents.csv", "工号\nA017\nA017\n", "agents.csv:3: the id A017 is there twice; keep one row for each agent"),
        ("agents.xlsx", "no workbook", "agents.xlsx: cannot be read: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(ConfigError) as raised:
        load_agents(tmp_path)
    assert told in str(raised.value)


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text("工号,姓名\n,王芳\nA1,李\nA1,赵\n", "utf-8")
    with pytest.raises(ConfigError) as raised:
        load_agents(tmp_path)
    assert len(raised.value.problems) == 2


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "agents.yaml").write_text("agents: {}\n")
    (tmp_path / "agents.csv").write_text("id\nA1\n")
    with pytest.raises(ConfigError, match=r"several files of agents: agents.yaml, agents.csv; keep one of them"):
        load_agents(tmp_path)


def test_a_roster_keeps_those_who_are_asked_for() -> None:
    roster = Roster((WANG, LI))
    assert roster.find("A017") == WANG
    assert roster.find(None) is None
    assert list(roster.only(["023", None, "A999"])) == [LI]
