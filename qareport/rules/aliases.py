"""The Chinese words of the rule language, every key, every value of a fixed set and every unit; what may be meant.

Rule files may be written in English, in Chinese, or in both; `translation` brings them to English before anything else
reads them. Of several Chinese words the first is the one that `qareport rules format --chinese` writes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qareport import messages
from qareport.messages import Message, say
from qareport.model import MEASURES, Emotion, Severity, Unit
from qareport.presentation import act_wording, wording
from qareport.presentation.locale import LOCALES, speaking

#: Chinese words of keys.
KEYS: Mapping[str, tuple[str, ...]] = {
    # Files.
    "schema": ("格式", "版本"), "rules": ("规则",), "cases": ("例子",),
    "synonyms": ("共用说法", "同义词"), "stages": ("订单阶段", "阶段"), "false_friends": ("易混词",),
    "conditions": ("共用条件",),
    # Rules.
    "id": ("编号",), "title": ("标题", "名称"), "severity": ("严重程度", "严重度"), "points": ("分数", "扣分", "加分"),
    "category": ("类别", "分类"), "status": ("状态",), "occurrence": ("计次",), "effective": ("生效日期",),
    "live": ("实时", "实时提醒"),
    "owner": ("负责人",), "tags": ("标签",), "replaces": ("取代",), "when": ("命中条件", "什么时候"),
    "applies_when": ("适用条件",), "most": ("最多",), "advice": ("建议话术", "话术"), "default": ("默认",),
    "from": ("从",), "to": ("到",), "mode": ("方式",),
    # Conditions.
    "customer says": ("客户说", "顾客说"), "agent says": ("客服说", "坐席说"), "anyone says": ("任何人说",),
    "customer does": ("客户在做", "客户做"), "agent does": ("客服在做", "客服做"), "emotion": ("情绪",),
    "event": ("声音",),
    "silence": ("沉默",), "interruption": ("抢话",), "moment": ("关键节点", "节点", "节点名称"),
    "topic": ("问题类型",), "stage": ("订单阶段", "阶段"), "speed": ("语速",), "loudness": ("响度", "音量"),
    "response delay": ("应答间隔", "多久才接话"), "repeats": ("重复说",), "last speaker": ("最后说话的",),
    "call length": ("通话时长",), "turns": ("轮数",), "utterances": ("句数",), "metric": ("指标",),
    "trend": ("情绪走向",), "time of day": ("时段",), "weekday": ("星期",), "earlier calls": ("此前来电",),
    "promise": ("客服承诺", "承诺"), "agent": ("客服工号", "工号"), "shop": ("店铺", "店铺名"),
    "condition": ("条件",),
    "all": ("全部", "同时"), "any": ("任一",), "none": ("都没有",), "sequence": ("先后",),
    # Beside conditions.
    "unless": ("除非",), "within": ("以内", "多久以内"), "before": ("之前", "谁开口前"), "after": ("谁说完后", "之后"),
    "together": ("彼此相隔",), "at_least": ("至少",), "first": ("开头",), "last": ("结尾",), "between": ("区间",),
    "around": ("前后",), "earliest": ("最早",),
    "nth": ("第几次",), "times": ("满几次",),
    # Inside conditions.
    "is": ("是",), "role": ("谁",), "by": ("谁",), "act": ("行为",), "score": ("得分", "把握"), "lasts": ("持续",),
    "longer": ("不短于",), "shorter": ("短于",), "above": ("高于",), "below": ("低于",), "over": ("范围",),
    "characters": ("最少字数",), "rises": ("升高",), "falls": ("降低",), "spread": ("落差",), "label": ("名称",),
    "issue": ("问题类型",), "name": ("名称",), "exact": ("整句",), "negated": ("否定",), "except": ("排除",),
    "regex": ("正则",), "except_regex": ("排除正则",), "sounds_like": ("近音",), "like": ("意思相近",),
    "similarity": ("相似度",),
    # Tests.
    "conversation": ("对话",), "call": ("电话编号", "通话"), "duration": ("录音时长",), "started_at": ("开始时间",),
    "earlier_calls": ("此前来电",), "must_hit": ("应当命中",), "must_not_hit": ("不该命中",), "rule": ("规则",),
    "at": ("第几秒",),
}  # fmt: skip


def words_of(key: str) -> tuple[str, ...]:
    """Return what a key may be written as: English first, then Chinese."""
    return (key, *KEYS.get(key, ()))


#: Where another word than the first reads better, by the title of the mapping in the schema.
KEYS_IN: Mapping[tuple[str, str], str] = {
    ("RuleForm", "moment"): "节点名称",
    ("SilenceForm", "before"): "谁开口前",
    ("CustomerDoesForm", "score"): "把握",
    ("AgentDoesForm", "score"): "把握",
}

_OWN: Mapping[str, tuple[str, ...]] = {
    "fatal": ("一票否决",), "active": ("生效",), "draft": ("草稿",), "retired": ("停用",),
    "once": ("一次",), "first": ("首次",), "every": ("每次",),
    "unknown": ("未知", "说话人未知"), "customer": ("顾客",), "agent": ("坐席",), "anyone": ("任何人",),
    "either": ("都算",), "any": ("任一",),
    "utterance": ("每句",), "call": ("整通",),
    "topic_mention": ("首次提及",), "emotion": ("情绪转折",), "silence": ("无人应答",), "irony": ("反讽",),
    "repeat": ("重复提问",), "interruption": ("抢话",), "churn_signal": ("放弃信号", "放弃"),
    "escalation": ("要求升级",),
    "no_answer": ("未正面回应",), "recovery": ("情绪缓和",), "broken_promise": ("承诺未兑现",), "event": ("声音",),
    "improving": ("变好",), "worsening": ("变差",),
    "HAPPY": ("高兴", "开心"), "SAD": ("难过", "伤心"), "ANGRY": ("生气",), "FEARFUL": ("害怕",),
    "DISGUSTED": ("厌恶",),
    "SURPRISED": ("惊讶",), "NEUTRAL": ("平静",),
    "Laughter": ("笑",), "Cry": ("哭",), "BGM": ("音乐",), "Breath": ("呼吸",), "Sing": ("唱歌",),
    "Applause": ("鼓掌",),
    "mon": ("星期一", "礼拜一"), "tue": ("星期二", "礼拜二"), "wed": ("星期三", "礼拜三"), "thu": ("星期四", "礼拜四"),
    "fri": ("星期五", "礼拜五"), "sat": ("星期六", "礼拜六"), "sun": ("星期日", "礼拜日", "星期天", "礼拜天", "周天"),
}  # fmt: skip

_DAYS = {"mon": "周一", "tue": "周二", "wed": "周三", "thu": "周四", "fri": "周五", "sat": "周六", "sun": "周日"}

#: Units of lengths, longest first, so that 毫秒 is not read as 秒.
UNITS: Mapping[str, tuple[str, ...]] = {
    "ms": ("毫秒",), "s": ("秒钟", "秒"), "m": ("分钟", "分"), "h": ("个小时", "小时"), "d": ("天",),
    "turns": ("轮",), "sentences": ("句话", "句"),
}  # fmt: skip
#: What `format` writes for a unit.
UNIT_WORDS: Mapping[str, str] = {
    "ms": "毫秒", "s": "秒", "m": "分钟", "h": "小时", "d": "天", "turns": "轮", "sentences": "句",
}  # fmt: skip
#: Chinese words for true and false.
FLAGS: Mapping[str, bool] = {"是": True, "否": False}


def _values() -> dict[str, tuple[str, ...]]:
    """Join the words of documents, which come first, with those that only rules know."""
    with speaking(LOCALES[0]):
        worded: list[tuple[str, str]] = [
            *((severity.value, wording.SEVERITIES[severity]) for severity in Severity),
            *((role.value, word) for role, word in wording.ROLES.items() if role != "unknown"),
            *((emotion.value, wording.EMOTIONS[emotion]) for emotion in Emotion),
            *((str(event), word) for event, word in wording.EVENTS.items()),
            *wording.TRENDS.items(),
            *((act.value, word) for act, word in act_wording.ACTS.items()),
            *((measure_name(name), word) for name, word in wording.MEASURES.items()),
            *_DAYS.items(),
        ]
    words: dict[str, list[str]] = {}
    for value, word in worded:
        words.setdefault(value, []).append(word)
    for value, own in _OWN.items():
        words.setdefault(value, []).extend(own)
    return {value: tuple(dict.fromkeys(own)) for value, own in words.items()}


def measure_name(measure_id: str) -> str:
    """Return how rules name a measure: times are in seconds there, `talk_ms` is `talk_s`."""
    return measure_id.removesuffix("_ms") + "_s" if MEASURES[measure_id].unit is Unit.MILLISECONDS else measure_id


#: Chinese words of values.
VALUES: Mapping[str, tuple[str, ...]] = _values()


@dataclass(frozen=True, slots=True)
class Choices:
    """Words of the language to choose from, said in a list: in Chinese each with what it is called there."""

    words: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]

    @classmethod
    def of_keys(cls, keys: Iterable[str]) -> Choices:
        """List keys."""
        return cls(tuple(keys), KEYS)

    @classmethod
    def of_values(cls, values: Iterable[str]) -> Choices:
        """List values of a fixed set."""
        return cls(tuple(values), VALUES)

    def __str__(self) -> str:
        if messages.language() != "zh":
            return ", ".join(self.words)
        return "、".join(f"{word}（{self.names[word][0]}）" if word in self.names else word for word in self.words)


_HAN = re.compile(r"[\u4e00-\u9fff]")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the nearest known word, None when none is near."""
    by_form = {name.casefold(): name for name in known}
    wanted = word.casefold()
    # Chinese words are short: one character of three is already a third.
    near = difflib.get_close_matches(wanted, by_form, n=1, cutoff=0.5 if _HAN.search(word) else 0.6)
    near = near or [form for form in by_form if word and form.startswith(wanted)]
    return by_form[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> Message | None:
    """Ask whether the nearest known word was meant; None when none is near."""
    near = nearest(word, known)
    return say("did you mean {word!r}?", word=near) if near is not None else None
