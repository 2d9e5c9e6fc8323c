"""Rule files by name, held in memory: rules, the `*.test.yaml` beside them, and `synonyms.yaml`.

They come from a folder, from a git revision, from the store, or from an editor whose text is not saved yet; from here
on nothing reads them again.
"""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final, Generic, Literal, TypeVar

from qareport.errors import ConfigError, Diagnostic
from qareport.messages import Message, say
from qareport.strict_yaml import unreadable

TEST_SUFFIX = ".test.yaml"


SYNONYMS = "synonyms.yaml"


_GIT_TIMEOUT_S = 30


def kind_of(name: str) -> Literal["rules", "tests", "synonyms"]:
    """Tell from its name what a file holds."""
    if name.endswith(TEST_SUFFIX):
        return "tests"
    return "synonyms" if name == SYNONYMS else "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiles:
    """Contents of rule files by name; a name is a path below the folder of rules, with `/`."""

    #: How messages name the folder.
    where: str
    #: In the order of the names' parts, which is also the order in which `sha256` counts them.
    contents: Mapping[str, bytes]
    #: Files that could not be read.
    unread: tuple[Diagnostic, ...] = ()

    @classmethod
    def from_texts(cls, texts: Mapping[str, str], *, where: str = "rules") -> RuleFiles:
        """Take texts by name: unsaved text of an editor, or the rule set that a store keeps.

        Args:
            texts: by name; names end with .yaml, tests with .test.yaml.
            where: how messages name the folder.
        """
        # A lone surrogate is no UTF-8; the loader reports it with its line.
        return cls._of({name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}, where)

    @classmethod
    def from_folder(cls, folder: Path) -> RuleFiles:
        """Read all `*.yaml` below a folder.

        Raises:
            ConfigError: no folder, no rule file, or a file whose name would be overlooked.
        """
        if not folder.is_dir():
            raise _no_rules(say("no such folder"), folder, say("a folder of rule files"))
        misnamed = sorted(folder.rglob("*.yml"))
        if misnamed:
            what, to_do = say("ends with .yml"), say("rename it to .yaml")
            raise ConfigError(
                [Diagnostic(code="wrong-suffix", what=what, where=str(path), to_do=to_do) for path in misnamed]
            )
        contents: dict[str, bytes] = {}
        unread: list[Diagnostic] = []
        for path in folder.rglob("*.yaml"):
            try:
                contents[path.relative_to(folder).as_posix()] = path.read_bytes()
            except OSError as error:
                unread.append(unreadable(error, str(path)))
        files = cls._of(contents, str(folder), tuple(unread))
        if not unread and all(name == SYNONYMS for name in files.rule_names):
            raise _no_rules(say("no rules here"), folder, say("at least one *.yaml"))
        return files

    @classmethod
    def from_revision(cls, name: str, rules_dir: Path) -> RuleFiles:
        """Read a folder by its name, or a git revision of the rule folder.

        Args:
            name: a folder of rules, a configuration folder that holds `rules`, or a revision such as HEAD~1.
            rules_dir: the folder whose history is meant.

        Raises:
            ConfigError: neither a folder nor a revision, or no rules there.
        """
        folder = Path(name)
        if folder.is_dir():
            return cls.from_folder(folder / "rules" if (folder / "rules").is_dir() else folder)
        if name.startswith("-"):
            raise _no_revision(say("no folder or git revision {name!r}", name=name), None, say("for example HEAD~1"))
        # The paths are those below the folder itself: `-- .` from inside it.
        listed = _git(rules_dir, name, "ls-tree", "-r", "-z", "--name-only", name, "--", ".").decode().split("\0")
        paths = [path for path in listed if path.endswith(".yaml")]
        if all(path.endswith(TEST_SUFFIX) for path in paths):
            what = say("no rules at revision {name!r}", name=name)
            raise ConfigError([Diagnostic(code="no-rules", what=what, where=str(rules_dir))])
        return cls._of(
            {path: _git(rules_dir, name, "show", f"{name}:./{path}") for path in paths}, f"{name}:{rules_dir}"
        )

    @classmethod
    def _of(cls, contents: Mapping[str, bytes], where: str, unread: tuple[Diagnostic, ...] = ()) -> RuleFiles:
        names = sorted(contents, key=lambda name: PurePosixPath(name).parts)
        return cls(where=where, contents={name: contents[name] for name in names}, unread=unread)

    def edited(self, name: str, text: str) -> RuleFiles:
        """Return these files with the text of one of them exchanged, or with one more."""
        own = {**self.contents, name: text.encode("utf-8", "surrogatepass")}
        return replace(RuleFiles._of(own, self.where), unread=self.unread)

    @property
    def rule_names(self) -> list[str]:
        """Names of the rule files, with `synonyms.yaml` and without tests."""
        return [name for name in self.contents if not name.endswith(TEST_SUFFIX)]

    @property
    def test_names(self) -> list[str]:
        """Names of the test files."""
        return [name for name in self.contents if name.endswith(TEST_SUFFIX)]

    def rule_texts(self) -> dict[str, str]:
        """Return the texts of the rule files without tests, so that they can be kept and read again."""
        return {name: self.contents[name].decode("utf-8-sig") for name in self.rule_names}

    @property
    def sha256(self) -> str:
        """Hash over the names and contents of the rule files; tests do not count."""
        digest = hashlib.sha256()
        for part in self._parts():
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def _parts(self) -> Iterator[bytes]:
        for name in self.rule_names:
            yield name.encode()
            yield self.contents[name]

    def path_of(self, name: str) -> str:
        """Return how messages name a file."""
        return f"{self.where}/{name}"


def _no_rules(what: Message, folder: Path, expected: Message) -> ConfigError:
    return ConfigError([Diagnostic(code="no-rules", what=what, where=str(folder), expected=expected)])


def _no_revision(what: Message, folder: Path | None, to_do: Message) -> ConfigError:
    where = None if folder is None else str(folder)
    return ConfigError([Diagnostic(code="unknown-revision", what=what, where=where, to_do=to_do)])


def _git(folder: Path, name: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the revision is an argument, never a shell's text
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is where PATH says
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        what = say("git cannot be run: {reason}", reason=error)
        raise _no_revision(what, None, say("name a folder instead")) from error
    if done.returncode != 0:
        answer = done.stderr.decode(errors="replace").strip().splitlines()
        what = say("no folder or git revision {name!r}", name=name)
        if answer:
            what = say("no folder or git revision {name!r} ({reason})", name=name, reason=answer[0])
        raise _no_revision(what, folder, say("for example HEAD~1, or a folder of rules"))
    return done.stdout


T = TypeVar("T")
#: Of each file: as it is published, and as two people are just editing it.
_VERSIONS: Final = 3
_MOST_FILES: Final = 500


class NewestVersions(Generic[T]):
    """What was made of the versions of each file that were asked for last; safe for threads.

    An editor asks for all files at each pause of the keyboard, and one of them has changed: the others are not read
    again, and what was typed before is let go.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, dict[Hashable, T]] = {}
        self._lock = threading.Lock()

    def get(self, file: Hashable, version: Hashable) -> T | None:
        """Return what was kept of a version of a file; None: nothing."""
        with self._lock:
            versions = self._made.get(file, {})
            made = versions.pop(version, None)
            if made is not None:
                versions[version] = made  # the last to go
            return made

    def keep(self, file: Hashable, version: Hashable, made: T) -> None:
        """Keep what was made of a version of a file."""
        with self._lock:
            if file not in self._made and len(self._made) >= _MOST_FILES:
                self._made.clear()
            versions = self._made.setdefault(file, {})
            versions[version] = made
            while len(versions) > _VERSIONS:
                del versions[next(iter(versions))]

    def __len__(self) -> int:
        """Return how many versions are kept."""
        with self._lock:
            return sum(map(len, self._made.values()))
