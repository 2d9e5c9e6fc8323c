"""A rule set as it stands in another folder or in an earlier git revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

from qareport.errors import ConfigError, Problem
from qareport.rules.loading import TEST_SUFFIX, load, load_files
from qareport.rules.rule import RuleSet

_TIMEOUT_S = 30


def load_revision(name: str, rules_dir: Path) -> RuleSet:
    """Read a rule set by the name of a folder, or of a git revision of the rule folder.

    Args:
        name: a folder of rules, a configuration folder that holds `rules`, or a revision such as HEAD~1.
        rules_dir: the folder whose history is meant.

    Raises:
        ConfigError: neither a folder nor a revision, or rules that are broken there.
    """
    folder = Path(name)
    if folder.is_dir():
        return load(folder / "rules" if (folder / "rules").is_dir() else folder)
    if name.startswith("-"):
        raise ConfigError([Problem(what=f"no folder or git revision {name!r}", to_do="for example HEAD~1")])
    # The paths are those below the folder itself: `-- .` from inside it.
    listed = _git(rules_dir, name, "ls-tree", "-r", "--name-only", name, "--", ".").decode().splitlines()
    names = [one for one in listed if one.endswith(".yaml") and not one.endswith(TEST_SUFFIX)]
    contents = {one: _git(rules_dir, name, "show", f"{name}:./{one}") for one in sorted(names)}
    if not contents:
        raise ConfigError([Problem(what=f"no rules at revision {name!r}", where=str(rules_dir))])
    return load_files(contents, where=f"{name}:{rules_dir}")


def _git(folder: Path, name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the revision is an argument, never a shell's text
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is where PATH says
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError([Problem(what=f"git cannot be run: {error}", to_do="name a folder instead")]) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        what = f"no folder or git revision {name!r}" + (f" ({said[0]})" if said else "")
        raise ConfigError([Problem(what=what, where=str(folder), to_do="for example HEAD~1, or a folder of rules")])
    return done.stdout
