"""`config/teams.yaml`: the teams of agents, for who keeps them in a file. Where it exists, pages cannot change them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, with_config

from qareport.errors import ConfigError, Problem
from qareport.messages import say
from qareport.strict_yaml import read_yaml, validate

_Id = Annotated[str, Field(min_length=1, max_length=100)]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamEntry:
    """A team of the file."""

    id: _Id
    name: Annotated[str, Field(max_length=100)] = ""
    #: Ids of its agents, as recordings and manifests write them.
    agents: tuple[str, ...] = ()


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsFile:
    """All teams of the file."""

    teams: tuple[TeamEntry, ...] = ()


def load_teams(config_dir: Path) -> tuple[TeamEntry, ...] | None:
    """Read `teams.yaml` of a configuration folder; None where there is no such file.

    Raises:
        ConfigError: every problem in the file, with line and column; two teams of one id.
    """
    path = config_dir / "teams.yaml"
    if not path.is_file():
        return None
    source = read_yaml(path)
    teams = validate(TeamsFile, source).teams
    seen: set[str] = set()
    problems = []
    for place, team in enumerate(teams):
        if team.id in seen:
            problems.append(
                Problem(what=say("a second team {id!r}", id=team.id), where=source.locate(("teams", place, "id")))
            )
        seen.add(team.id)
    if problems:
        raise ConfigError(problems)
    return teams
