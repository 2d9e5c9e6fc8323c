"""Names of dialogue acts, as documents and explanations word them and as rules may write them."""

from __future__ import annotations

from collections.abc import Mapping

from qareport.model import Act
from qareport.presentation.locale import N_, Translated

_SOURCES: Mapping[Act, str] = {
    Act.ASK: N_("提问"),
    Act.ASK_AGAIN: N_("再次追问"),
    Act.REQUEST: N_("提要求"),
    Act.INFORM: N_("告知"),
    Act.COMPLAIN: N_("抱怨"),
    Act.THREATEN: N_("要投诉"),
    Act.GIVE_UP: N_("放弃"),
    Act.SARCASM: N_("反讽"),
    Act.REMIND_PROMISE: N_("追究承诺"),
    Act.ACCEPT: N_("接受"),
    Act.THANK: N_("道谢"),
    Act.CALM: N_("缓和"),
    Act.REFUSE: N_("拒绝"),
    Act.SMALL: N_("应声"),
    Act.GREET: N_("问候"),
    Act.CLOSE: N_("结束语"),
    Act.ANSWER: N_("回答"),
    Act.EVADE: N_("未正面回应"),
    Act.HOLD: N_("请稍等"),
    Act.ASK_INFO: N_("询问信息"),
    Act.CONFIRM: N_("核对"),
    Act.APOLOGISE: N_("道歉"),
    Act.EMPATHISE: N_("安抚"),
    Act.PROMISE: N_("承诺"),
    Act.OFFER: N_("给方案"),
    Act.EXPLAIN: N_("解释"),
    Act.BLAME: N_("推诿"),
    Act.RUDE: N_("态度恶劣"),
}
#: In the language of the document that is being made.
ACTS: Mapping[Act, str] = Translated(_SOURCES)
#: Who says that a sentence does it (`SpokenAct.reader`).
READERS: Mapping[str, str] = Translated(
    {
        "bundled": N_("随附的模型"), "words": N_("自己的说法"), "language_model": N_("语言模型"),
        "given": N_("转写里写明"),
    }
)  # fmt: skip


def act_of(text: str) -> Act | None:
    """Return the act that a text names, by its code or in Chinese; None: no act is called so."""
    return next((act for act, name in _SOURCES.items() if text in (act.value, name)), None)
