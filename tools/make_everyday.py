"""Write `qareport/text/everyday.txt` anew: `python -m tools.make_everyday` (jieba comes with the extra `docs`).

The file holds pairs: letters that people take for a word, and a longer everyday expression in which they stand by
chance. 钱呢 asks for money that has not come, and stands in 多少钱呢 as well, which asks for a price. They are counted
in the calls of `corpus/`, cut into words by jieba (MIT License): the letters stand there for themselves, between two
borders of words, and often enough across such a border.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import jieba

from qareport.text.wordlist import fold

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "qareport" / "text" / "everyday.txt"
HEAD = "# Letters and an everyday expression in which they stand by chance; tools/make_everyday.py counts them.\n"
_CLAUSE = re.compile("[\u4e00-\u9fff]+")
#: Numbers have borders of their own.
_NUMERAL = re.compile("[零〇一二两三四五六七八九十百千万几]")
#: No word that people look for begins with these.
_PARTICLE = re.compile("[的地得是了也都就在和跟把被吗呢啊呀吧个这那]")
#: What follows a word without another meaning: 告诉我们, 耐心等等.
_ENDING = re.compile("[们的了着过等待期点里边儿子些下吗呢啊呀吧]+")
_LAST = re.compile("[了吗呢啊呀吧嘛哦的]$")
#: What jieba cuts apart and people say as one.
_WHOLE = ("多少钱", "好多钱", "不好意思", "没关系", "怎么样", "为什么")
#: Letters of a pair, and of the expression around them.
_SHORTEST, _LONGEST, _EXPRESSION = 2, 3, 6
#: In one expression at least so often, and of all places at least this share across a border.
_OFTEN, _SHARE = 4, 0.3


def clauses() -> Iterator[str]:
    """Walk through what is said in the calls, without punctuation, digits and Latin words.

    Each ends as people may end it, with 呢: 多少钱 is 多少钱呢, too.
    """
    for path in sorted((ROOT / "corpus" / "calls").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for segment in json.loads(line)["segments"]:
                for clause in _CLAUSE.findall(fold(segment[3])):
                    yield clause if _LAST.search(clause) else f"{clause}呢"


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Return, for letters that often stand across a border of words, a frequent expression in which they do."""
    alone: Counter[str] = Counter()
    across: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        borders = [0]
        for word in jieba.cut(text, HMM=False):
            borders.append(borders[-1] + len(word))
        known = frozenset(borders)
        for start in range(len(text)):
            for end in range(start + _SHORTEST, min(start + _LONGEST, len(text)) + 1):
                if start in known and end in known:
                    alone[text[start:end]] += 1
                    continue
                first = max(border for border in borders if border <= start)
                last = min(border for border in borders if border >= end)
                expression, letters = text[first:last], text[start:end]
                if len(expression) > _EXPRESSION or _NUMERAL.search(expression) or _PARTICLE.match(letters):
                    continue
                if start > first or not _ENDING.fullmatch(expression, len(letters)):
                    across[letters][expression] += 1
    found = {}
    for letters, expressions in sorted(across.items()):
        count, times = sum(expressions.values()), alone[letters]
        most = max(expressions.values())
        # Of the frequent ones the longest: it is furthest from what is meant.
        frequent = [expression for expression, often in expressions.items() if 3 * often >= most]
        longer = min(frequent, key=lambda expression: (-len(expression), -expressions[expression], expression))
        if times > 1 and expressions[longer] >= _OFTEN and count >= _SHARE * (count + times):
            found[letters] = longer
    return found


def main() -> None:
    """Count, and write the table."""
    jieba.setLogLevel("ERROR")
    for word in _WHOLE:
        jieba.add_word(word)
    lines = (f"{letters} {expression}\n" for letters, expression in pairs(clauses()).items())
    TABLE.write_text(HEAD + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
