"""What tags, speakers, key moments, risks and fields are called in Chinese: the names that people type in a query.

The first name of a tag is the one that documents print beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    AudioEvent,
    CallSource,
    Emotion,
    Language,
    MomentKind,
    Risk,
    Role,
)
from qareport.search.terms import mark_of

_TAGS: Final[Mapping[str, Sequence[str]]] = {
    Emotion.HAPPY: ("满意", "高兴", "开心"),
    Emotion.SAD: ("失望", "难过", "伤心"),
    Emotion.ANGRY: ("愤怒", "生气", "发怒", "发火"),
    Emotion.NEUTRAL: ("中性", "平静"),
    Emotion.FEARFUL: ("担忧", "担心", "害怕"),
    Emotion.DISGUSTED: ("厌烦", "厌恶"),
    Emotion.SURPRISED: ("意外", "惊讶"),
    Emotion.OTHER: ("其他情绪",),
    Emotion.EMO_UNKNOWN: ("模型无法判断",),
    STATE_NOT_JUDGED: ("未做情绪判定", "未判定"),
    STATE_SILENCE: ("沉默", "静默"),
    TAG_IRONY: ("反讽", "讽刺"),
    AudioEvent.BGM: ("背景音乐", "音乐"),
    AudioEvent.LAUGHTER: ("笑声",),
    AudioEvent.APPLAUSE: ("掌声",),
    AudioEvent.CRY: ("哭声",),
    AudioEvent.SNEEZE: ("喷嚏",),
    AudioEvent.BREATH: ("呼吸声",),
    AudioEvent.COUGH: ("咳嗽", "咳嗽声"),
    AudioEvent.SING: ("歌声",),
    AudioEvent.SPEECH_NOISE: ("嘈杂人声",),
    AudioEvent.GBG: ("杂音",),
    AudioEvent.EVENT_UNK: ("未知声音",),
}
_ROLES: Final[Mapping[str, Sequence[str]]] = {
    Role.CUSTOMER: ("客户", "顾客", "买家"),
    Role.AGENT: ("客服", "坐席"),
    Role.UNKNOWN: ("说话人未知", "未知"),
}
_RISKS: Final[Mapping[str, Sequence[str]]] = {
    Risk.HIGH: ("高", "高风险"),
    Risk.MEDIUM: ("中", "中风险"),
    Risk.LOW: ("低", "低风险"),
}
_MOMENTS: Final[Mapping[str, Sequence[str]]] = {
    MomentKind.TOPIC_MENTION: ("提及",),
    MomentKind.EMOTION: ("情绪",),
    MomentKind.SILENCE: ("沉默",),
    MomentKind.IRONY: ("反讽",),
    MomentKind.REPEAT: ("重复提问", "催问"),
    MomentKind.INTERRUPTION: ("抢话",),
    MomentKind.CHURN_SIGNAL: ("放弃",),
    MomentKind.ESCALATION: ("要求升级", "升级", "投诉"),
    MomentKind.NO_ANSWER: ("未正面回应",),
    MomentKind.RECOVERY: ("缓和",),
    MomentKind.BROKEN_PROMISE: ("承诺未兑现",),
    MomentKind.EVENT: ("声音",),
}
_LANGUAGES: Final[Mapping[str, Sequence[str]]] = {
    Language.ZH: ("普通话", "中文", "汉语"),
    Language.YUE: ("粤语", "广东话"),
    Language.EN: ("英语",),
    Language.JA: ("日语",),
    Language.KO: ("韩语",),
}
_SOURCES: Final[Mapping[str, Sequence[str]]] = {
    CallSource.UPLOAD: ("上传",),
    CallSource.DAILY: ("每日", "日报"),
    CallSource.RUN: ("手动",),
    CallSource.TRANSCRIPT: ("文稿",),
    CallSource.LIVE: ("实时",),
}
_REVIEWED: Final[Mapping[str, Sequence[str]]] = {"yes": ("是", "已复核"), "no": ("否", "未复核")}
_FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "agent": ("工号",),
    "order": ("订单号", "订单"),
    "call": ("通话编号", "通话"),
    "role": ("说话人", "角色"),
    "date": ("日期",),
    "risk": ("风险",),
    "score": ("得分", "分数"),
    "rule": ("规则",),
    "moment": ("关键节点", "节点"),
    "issue": ("问题", "问题类型"),
    "stage": ("环节", "阶段"),
    "emotion": ("情绪", "客户情绪"),
    "team": ("班组", "团队"),
    "lang": ("语言",),
    "reviewed": ("复核",),
    "source": ("来源",),
}


def marks_by_name() -> dict[str, str]:
    """Return the mark of every tag, speaker and (`moment:…`) key moment by its names, in lower case."""
    tags = {tag.lower(): tag for tag in TAG_NAMES.values()} | {**TAG_NAMES}
    roles = {str(role): str(role) for role in Role} | {**ROLE_NAMES}
    moments = {str(kind): str(kind) for kind in MomentKind} | {**VALUE_NAMES["moment"]}
    return (
        {name: mark_of(tag) for name, tag in tags.items()}
        | {name: mark_of("role", role) for name, role in roles.items()}
        | {f"moment:{name}": mark_of("moment", kind) for name, kind in moments.items()}
    )


def _by_name(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: str(key) for key, several in names.items() for name in several}


#: Tag by Chinese name: 愤怒 is ANGRY.
TAG_NAMES: Final[Mapping[str, str]] = {name: tag.upper() for name, tag in _by_name(_TAGS).items()}
#: Role by Chinese name.
ROLE_NAMES: Final[Mapping[str, str]] = _by_name(_ROLES)
#: Field by Chinese name.
FIELD_NAMES: Final[Mapping[str, str]] = _by_name(_FIELDS)
#: Value by Chinese name, for the fields whose value is one of a few.
VALUE_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "role": ROLE_NAMES,
    "risk": _by_name(_RISKS),
    "moment": _by_name(_MOMENTS),
    "lang": _by_name(_LANGUAGES),
    "source": _by_name(_SOURCES),
    "reviewed": _by_name(_REVIEWED),
}
