"""Negation before a word: 不要退款, 没有投诉, 不用您提供 deny what they name, 要不要退款 and 不仅退款 do not.

Only what stands directly before the word is looked at: a negation, and at most three small words between them. Texts
are compared in the form of `wordlist.normalise`, which has no punctuation; the text as it is written tells where a
clause ends: in 没有，我要退款 nothing is denied.
"""

from __future__ import annotations

import re

from qareport.text.spelling import in_digits
from qareport.text.wordlist import fold

#: So much before a word is looked at: the longest negation, the small words, and what makes it no negation.
_WINDOW, _ENGLISH_WINDOW = 14, 40
#: May stand between the negation and the word.
_SMALL = (
    "(?:[你您我咱他她它]们?|[要想会能用再给去是有需必太可得帮向对把跟做说使被替为还来先]"
    "|到底|真的|真正|申请|办理|自己|直接|马上|立刻|及时|按时|准时|如期|主动|麻烦"
    "|很|特别|非常|十分|那么|这么|够|算)"
)
#: 别 in 特别, 区别 …; 不 in 要不, 何不; 没 in 有没: no negations.
_NEGATION = (
    r"(?:(?<![要何岂])不(?:需要|打算|准备|应该|可以|可能|一定|怎么|要求|愿意|同意|支持|允许|接受|提供|负责|答应|方便|适用"
    r"|急着|着急|[要想会能用再给是有需必可得许准应该肯愿让予敢])?"
    r"|(?<!有)[没沒](?:有?(?:人|办法|法|必要|权限|权|打算|同意|答应|准备)|有|[想要说让叫])?"
    r"|不曾|并非|[未甭勿冇唔]|无[需须法意权从]|用不着|谈不上|称不上|(?<![特区分个类性级识告辨])[别別])"
)
_BEFORE = re.compile(f"({_NEGATION}{_SMALL}{{0,3}})$")
#: The same in English: don't want a refund, no refund.
_ENGLISH = r"(?<![a-z'])(?:not|no|never|without|cannot|dont|(?:do|does|did|is|are|was|were|ca|wo|would)n't)(?![a-z'])"
_BEFORE_ENGLISH = re.compile(
    f"({_ENGLISH}(?: (?:want|need|ask|asking|say|mean|really|going|for|to|an?|the|any|my|your)(?![a-z'])){{0,4}}) ?$"
)
#: 是不是, 有没有, 能不能: a question; the negation stands between the same two letters.
_QUESTION = re.compile(r"(\w{1,2})[不没沒]\1")
#: 不是说要给我退款吗: who asks so says yes.
_ASKED = re.compile("[吗嘛]|么$")
#: A negation of the negation: 不能不, 没有不, 不得不.
_TWICE = re.compile(f"{_NEGATION}{_SMALL}{{0,2}}$")
#: Words that begin with a negation deny nothing more before them: 不发货 is found as it is written.
_BEGINS = re.compile(f"{_NEGATION}|{_ENGLISH}")
#: Anywhere in a sentence; what only looks like a negation is taken out first.
_ANYWHERE = re.compile(r"[不没沒未甭勿冇唔]|无[需须法意]|(?<![特区分个类性级识告辨])[别別]|" + _ENGLISH)
_SPACES = re.compile(r"\s+")
_APPARENT = re.compile(
    r"(\w)[不没沒]\1|不得不|不[仅但光只过管论]|没想到|差不多|对不起|不好意思|唔好意思|对唔住|要不(?!是)|不如|not only"
)


def begins_negated(word: str) -> bool:
    """Tell whether a normalised word itself begins with a negation: 不发货, 没收到."""
    return _BEGINS.match(word) is not None


def is_negated(text: str, start: int, written: str | None = None) -> bool:
    """Tell whether what begins at a place of a normalised text is denied by what stands directly before it.

    Args:
        text: as `wordlist.normalise` gives it.
        start: where the word begins.
        written: the same text with its punctuation; None: as if it had none.
    """
    before = _BEFORE.search(text, max(0, start - _WINDOW), start) or _BEFORE_ENGLISH.search(
        text, max(0, start - _ENGLISH_WINDOW), start
    )
    if before is None:
        return False
    place = before.start(1)
    if _is_asked(text, place, start + 2):
        return False
    if text.startswith("不是", place) and _ASKED.search(text, start, start + _WINDOW) is not None:
        return False
    if _TWICE.search(text, max(0, place - _WINDOW), place) is not None:
        return False
    # A comma between them ends the clause: the letters are then not next to each other in what is written.
    return written is None or _is_unbroken(text[place : start + 1], written)


def asks(text: str, start: int, written: str | None = None) -> bool:
    """Tell whether the negation with which a word begins is half of a question: 不是正品 in 是不是正品."""
    return _is_asked(text, start, start + 4) and (written is None or _is_unbroken(text[start - 1 : start + 1], written))


def _is_asked(text: str, place: int, end: int) -> bool:
    questions = _QUESTION.finditer(text, max(0, place - 2), end)
    return any(question.start() < place < question.end() for question in questions)


def _is_unbroken(letters: str, written: str) -> bool:
    """Tell whether letters of a normalised text follow each other without punctuation where they are written."""
    plain, letters = _SPACES.sub("", fold(written)), _SPACES.sub("", letters)
    return letters in plain or letters in in_digits(plain)


def has_negation(text: str) -> bool:
    """Tell whether a normalised sentence denies anything at all."""
    return _ANYWHERE.search(_APPARENT.sub("", text)) is not None
