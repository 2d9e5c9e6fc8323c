"""Names and groups of agents: `agents.yaml`, `agents.csv` or `agents.xlsx` in the configuration folder."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import with_config

from qareport.errors import ConfigError, Problem, os_reason
from qareport.messages import say
from qareport.model import Agent, Roster
from qareport.strict_yaml import read_yaml, validate

#: Only one of them may exist.
FILES: Final = ("agents.yaml", "agents.csv", "agents.xlsx")
_ENCODINGS = ("utf-8-sig", "gb18030")
#: What the columns of a table may be called.
_COLUMNS: Mapping[str, str] = {
    "id": "id", "agent_id": "id", "工号": "id", "客服工号": "id",
    "name": "name", "姓名": "name",
    "group": "group", "team": "group", "组": "group", "组别": "group", "班组": "group",
}  # fmt: skip
_HEADS = "id, name, group (工号, 姓名, 组别)"


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEntry:
    """One agent of `agents.yaml`."""

    #: The name as documents show it; "" = the id alone.
    name: str = ""
    #: The group; "" = none.
    group: str = ""


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsFile:
    """The file `agents.yaml`."""

    #: By the id that calls carry.
    agents: Mapping[str, AgentEntry] = field(default_factory=dict)


def load_agents(config_dir: Path) -> Roster:
    """Read the names and groups of agents; a folder without such a file gives none.

    Raises:
        ConfigError: there are several files, one cannot be read, or everything wrong in it with its place.
    """
    paths = [config_dir / name for name in FILES if (config_dir / name).exists()]
    if not paths:
        return Roster()
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths)
        raise _error(
            config_dir, say("there are several files of agents: {names}", names=names), say("keep one of them")
        )
    (path,) = paths
    if path.suffix == ".yaml":
        given = validate(AgentsFile, read_yaml(path))
        agents = [Agent(id=name, name=entry.name, group=entry.group) for name, entry in given.agents.items()]
        return Roster(tuple(agents))
    return _from_rows(_csv_rows(path) if path.suffix == ".csv" else _sheet_rows(path), path)


def _csv_rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _error(path, say("cannot be read: {reason}", reason=os_reason(error)), None) from error
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield from enumerate(csv.reader(io.StringIO(text)), start=1)
        return
    raise _error(path, say("is neither UTF-8 nor GB18030 text"), say("save it as CSV UTF-8"))


def _sheet_rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    import openpyxl  # 0.2 s, and needed for such a file alone
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of styles and extensions that nobody needs here
            sheet = openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets[0]
            sheet.reset_dimensions()
            rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise _error(path, say("cannot be read: {reason}", reason=error), say("save it again as .xlsx")) from error
    yield from enumerate(rows, start=1)


def _cell(value: Any) -> str:
    """Return a cell as text; Excel keeps the id 17 as 17.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _from_rows(rows: Iterator[tuple[int, Sequence[str]]], path: Path) -> Roster:
    """Read the rows of a table, the first of which names the columns."""
    heads = [text.strip() for text in next(rows, (1, ()))[1]]
    columns = [_COLUMNS.get(head.lower()) for head in heads]
    if "id" not in columns:
        got = ", ".join(filter(None, heads)) or "-"
        raise _error(
            f"{path}:1", say("the columns are {columns}", columns=got), None, say("columns {columns}", columns=_HEADS)
        )
    problems: list[Problem] = []
    agents: dict[str, Agent] = {}
    for number, cells in rows:
        if not any(text.strip() for text in cells):
            continue
        values = {name: text.strip() for name, text in zip(columns, cells, strict=False) if name}
        where = f"{path}:{number}"
        if not values.get("id"):
            problems.append(Problem(what=say("no id"), where=where, to_do=say("write the agent's id")))
        elif values["id"] in agents:
            what = say("the id {id} is there twice", id=values["id"])
            problems.append(Problem(what=what, where=where, to_do=say("keep one row for each agent")))
        else:
            agents[values["id"]] = Agent(**values)
    if problems:
        raise ConfigError(problems)
    return Roster(tuple(agents.values()))


def _error(where: Path | str, what: Any, to_do: Any, expected: Any = None) -> ConfigError:
    return ConfigError([Problem(what=what, where=str(where), expected=expected, to_do=to_do)])
