"""Find the fonts in which documents are set, and check that this machine has what they need."""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
#: Name records by which a font's family is found (OpenType, table `name`).
_NAMES: Final = (1, 2, 3, 4, 6, 16, 17)
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


class SmallFonts:
    """Files with the few characters that drawings show: to read a Chinese font takes a fifth of a drawing's time.

    Threads may share it. Each new set of characters makes new files; all of them end with the process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._files: tuple[str, ...] = ()

    def files(self, font: Font, text: str) -> Sequence[str]:
        """Return files that show a text as the font's own do: these where they lack one of its characters."""
        wanted = {letter for letter in text if letter.isprintable()}
        with self._lock:
            # Systems clear their folders of temporary files, also of those that a server still needs.
            if not wanted <= self._known or not all(map(os.path.exists, self._files)):
                known = self._known | wanted
                found = [content for path in font.files if (content := _cut(path, font.family, known)) is not None]
                if len(found) < len(font.files):
                    return font.files
                try:
                    self._files = tuple(_write_all(found))
                except OSError:  # no room
                    return font.files
                self._known = known
            return self._files


def _write_all(contents: Iterable[bytes]) -> Iterator[str]:
    """Write fonts into a folder of their own, which ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="qareport-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for number, content in enumerate(contents):
        path = folder / f"{number}.otf"
        path.write_bytes(content)
        yield str(path)


def _cut(path: str, family: str, letters: Iterable[str]) -> bytes | None:
    """Cut the face of a family in a file down to some characters; None where it is not there or lacks one of them."""
    import uharfbuzz

    blob = uharfbuzz.Blob.from_file_path(path)
    for number in range(_most_faces(Path(path))):
        face = uharfbuzz.Face(blob, number)
        if face.get_name(uharfbuzz.OTNameIdPredefined.FONT_FAMILY) == family:
            break
    else:
        return None
    codes = set(map(ord, letters))
    if not codes <= set(face.unicodes):
        return None
    wanted = uharfbuzz.SubsetInput()
    wanted.sets(uharfbuzz.SubsetInputSets.UNICODE).update(codes)
    wanted.sets(uharfbuzz.SubsetInputSets.NAME_ID).update(_NAMES)
    content: bytes = uharfbuzz.subset(face, wanted).blob.data
    return content


def _most_faces(path: Path) -> int:
    """Count the faces of a font file: several in a collection (OpenType, "Font Collections")."""
    with path.open("rb") as file:
        head = file.read(12)
    return int.from_bytes(head[8:12], "big") if head[:4] == b"ttcf" else 1


#: The small fonts of this process.
SMALL: Final = SmallFonts()


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
