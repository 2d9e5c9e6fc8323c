"""Find the fonts in which documents are set, and check that this machine has what they need."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qareport.errors import DocumentError, Problem
from qareport.files import in_home
from qareport.messages import Message, say

#: Preferred families with Chinese characters, best first. TrueType outlines come before OpenType-CFF ones, which some
#: PDF viewers have shown blank (WeasyPrint #1844).
FAMILIES = (
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Sans CJK SC",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
)
INSTALL_FONT = say("install a Chinese font, for example: apt install fonts-noto-cjk")
INSTALL_SUBSET = "apt install libharfbuzz-subset0"
#: Where fonts are installed, for machines without fontconfig's own tool.
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/System/Library/Fonts")
_FILES = ("NotoSansSC", "SourceHanSans", "NotoSansCJK", "msyh", "PingFang", "wqy-microhei", "wqy-zenhei")


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """A font family and its files, regular and bold where both exist."""

    family: str
    files: tuple[str, ...]


@functools.cache
def chinese_font() -> Font:
    """Find the font for Chinese text.

    Raises:
        DocumentError: there is none.
    """
    families: dict[str, list[str]] = {}
    for family, file in _installed():
        files = families.setdefault(family, [])
        if file not in files:
            files.append(file)
    for family in (*FAMILIES, *(name for name in families if "Mono" not in name and "Serif" not in name), *families):
        if family in families:
            return Font(family=family, files=tuple(sorted(families[family])))
    raise DocumentError(say("no font with Chinese characters was found"), where="fonts", to_do=INSTALL_FONT)


def check_fonts() -> list[Message | Problem]:
    """Say what is missing on this machine for documents to be rendered correctly and quickly; [] if nothing is."""
    notices: list[Message | Problem] = []
    try:
        chinese_font()
    except DocumentError as error:
        notices += error.problems
    if not has_subset_library():
        notices.append(
            say(
                "libharfbuzz-subset was not found: each PDF takes about half a minute to embed its Chinese font; "
                "{command}",
                command=INSTALL_SUBSET,
            )
        )
    return notices


def has_subset_library() -> bool:
    """Tell whether the library that cuts fonts down to the characters used can be loaded."""
    for name in ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib", "libharfbuzz-subset-0.dll"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def _installed() -> Iterator[tuple[str, str]]:
    """Yield (family, file) of the fonts that have simplified Chinese characters."""
    tool = shutil.which("fc-list")
    if tool is None:
        yield from _by_file_name(in_home(folder) for folder in _FOLDERS)
        return
    listed = subprocess.run(  # noqa: S603 - a fixed command of the system
        [tool, "-f", "%{family}|%{style}|%{file}\n", ":lang=zh-cn"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    for line in sorted(listed.stdout.splitlines()):
        family, style, file = line.split("|", 2)
        if style.split(",")[0] in ("Regular", "Bold", "Book"):
            yield family.split(",")[0], file


def _by_file_name(folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    families = dict(zip(_FILES, ("Noto Sans SC", "Source Han Sans SC", "Noto Sans CJK SC", *FAMILIES[3:]), strict=True))
    for folder in folders:
        for path in sorted(folder.rglob("*.[ot]t[fc]")):
            for start, family in families.items():
                if path.name.startswith(start):
                    yield family, str(path)
