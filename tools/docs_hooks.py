"""A hook of mkdocs for what GitHub and Python-Markdown read differently, so that pages look right in both.

- Markdown turns the end of a line within a paragraph into a space, which is right between English words and wrong
  between Chinese characters: such lines are joined.
- In a cell of a table GitHub needs `\\|` for a bar in code; Python-Markdown would print the backslash.
"""

from __future__ import annotations

import re
from typing import Any

#: Han characters and full-width punctuation.
_CJK = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”‘’…—"
_PUNCTUATION = "\u3000-\u303f\uff00-\uffef“”‘’…—"
#: The end of a line after which no list, table, heading or quotation begins.
_END = r"\n[ ]*(?![ ]*(?:[-*#|>]|\d+\.|```))"
_JOINS = (
    re.compile(rf"(?<=[{_CJK}]){_END}(?=[{_CJK}])"),
    re.compile(rf"(?<=[{_PUNCTUATION}]){_END}(?=\S)"),
)

_CODE = re.compile(r"`[^`]+`")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Join lines that a paragraph of Chinese was wrapped at; blocks of code stay as they are."""
    parts = re.split(r"(^[ ]*```.*?^[ ]*```)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if index % 2 else _joined(part) for index, part in enumerate(parts))


def _joined(text: str) -> str:
    for join in _JOINS:
        text = join.sub("", text)
    return re.sub(r"^\|.*$", lambda row: _CODE.sub(_plain_bars, row[0]), text, flags=re.MULTILINE)


def _plain_bars(code: re.Match[str]) -> str:
    return code[0].replace("\\|", "|")
