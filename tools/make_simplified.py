"""Write `qareport/text/simplified.txt` anew: `pip install opencc`, then `python tools/make_simplified.py`.

The file holds the characters that have a simplified form, and in the next line, in the same order, these forms. They
are those of OpenCC's table from traditional to simplified characters (Apache License 2.0).
"""

from __future__ import annotations

from pathlib import Path

from opencc import OpenCC  # type: ignore[import-not-found]

TABLE = Path(__file__).parents[1] / "qareport" / "text" / "simplified.txt"
#: Where the characters lie; those beyond are too rare for a telephone call.
FIRST, LAST = 0x3400, 0x9FFF
HEAD = "# From OpenCC 1.4.2 (github.com/BYVoid/OpenCC, Apache License 2.0): characters and their simplified forms.\n"


def main() -> None:
    """Convert every character by itself."""
    letters = [chr(code) for code in range(FIRST, LAST + 1)]
    # A letter on each line: OpenCC also knows phrases.
    simple = OpenCC("t2s").convert("\n".join(letters)).split("\n")
    pairs = [(letter, form) for letter, form in zip(letters, simple, strict=True) if letter != form]
    lines = ("".join(letters) for letters in zip(*pairs, strict=True))
    TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
