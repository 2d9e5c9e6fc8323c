"""Every word and number format that a document shows: names, marks, units, rounding. Nothing else words anything.

Times round down (a moment at 42.9 s is found at second 42); all else rounds half to even as Python does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    AudioEvent,
    Emotion,
    MomentKind,
    Note,
    Risk,
    Role,
    RoleSource,
    Severity,
)

TITLE = "通话质检报告"
NOT_MEASURED = "未测得"
UNKNOWN = "未知"
NOT_JUDGED_TAG = "[未判定]"
SILENCE_TAG = "[SILENCE]"
DEMO_NOTICE = "演示模型：本报告由随附的小模型生成，它只认得随附的合成演示语音，对真实通话的文字和情绪没有意义。"

ROLES: Mapping[Role, str] = {Role.CUSTOMER: "客户", Role.AGENT: "客服", Role.UNKNOWN: "说话人未知"}
GUESSED = "（推断）"
#: A word that was known by its sound only.
FUZZY = "（读音相近）"
#: Sources that tell a role without doubt; voices and words only suggest it.
SURE_SOURCES = frozenset({RoleSource.GIVEN, RoleSource.CHANNEL})
ROLE_SOURCES: Mapping[RoleSource, str] = {
    RoleSource.CHANNEL: "按声道，确定",
    RoleSource.GIVEN: "由转写给定",
    RoleSource.VOICE: "按声音推断",
    RoleSource.WORDS: "按用语推断",
}

EMOTIONS: Mapping[str, str] = {
    Emotion.HAPPY: "满意",
    Emotion.SAD: "失望",
    Emotion.ANGRY: "愤怒",
    Emotion.NEUTRAL: "中性",
    Emotion.FEARFUL: "担忧",
    Emotion.DISGUSTED: "厌烦",
    Emotion.SURPRISED: "意外",
    Emotion.OTHER: "其他情绪",
    Emotion.EMO_UNKNOWN: "模型无法判断",
    STATE_NOT_JUDGED: "未做情绪判定",
    STATE_SILENCE: "沉默",
    "IRONY": "反讽",
}
EVENTS: Mapping[str, str] = {
    AudioEvent.SPEECH: "说话",
    AudioEvent.BGM: "背景音乐",
    AudioEvent.LAUGHTER: "笑声",
    AudioEvent.APPLAUSE: "掌声",
    AudioEvent.CRY: "哭声",
    AudioEvent.SNEEZE: "喷嚏",
    AudioEvent.BREATH: "呼吸声",
    AudioEvent.COUGH: "咳嗽",
    AudioEvent.SING: "歌声",
    AudioEvent.SPEECH_NOISE: "嘈杂人声",
    AudioEvent.GBG: "杂音",
    AudioEvent.EVENT_UNK: "未知声音",
}
_EVENT_TAGS = {event.value.upper(): name for event, name in ((AudioEvent(key), name) for key, name in EVENTS.items())}
#: How a tag looks; each style has its own frame or fill in the templates, so it survives a greyscale printer.
TAG_STYLES: Mapping[str, str] = {
    Emotion.ANGRY: "tag-negative",
    Emotion.SAD: "tag-negative",
    Emotion.FEARFUL: "tag-negative",
    Emotion.DISGUSTED: "tag-negative",
    "IRONY": "tag-negative",
    Emotion.HAPPY: "tag-positive",
    Emotion.SURPRISED: "tag-other",
    Emotion.OTHER: "tag-other",
    Emotion.NEUTRAL: "tag-neutral",
    Emotion.EMO_UNKNOWN: "tag-unknown",
    STATE_NOT_JUDGED: "tag-unjudged",
    STATE_SILENCE: "tag-silence",
}

SEVERITIES: Mapping[Severity, str] = {
    Severity.INFO: "提示",
    Severity.MINOR: "一般",
    Severity.MAJOR: "主要",
    Severity.CRITICAL: "严重",
}
RISKS: Mapping[Risk, str] = {Risk.LOW: "低风险", Risk.MEDIUM: "中风险", Risk.HIGH: "高风险"}
TRENDS: Mapping[str, str] = {"improving": "好转", "steady": "平稳", "worsening": "转差"}
STEPS: Mapping[str, str] = {
    "ingest": "登记",
    "decode": "读取录音",
    "transcribe": "转写",
    "analyse": "分析",
    "render": "生成报告",
}

#: What happened, as the predicate of a sentence about the speaker; {topic}, {emotion}, {span} and {event} are filled.
PREDICATES: Mapping[MomentKind, str] = {
    MomentKind.TOPIC_MENTION: "提及“{topic}”",
    MomentKind.EMOTION: "情绪转为{emotion}",
    MomentKind.SILENCE: "没有应答，沉默{span}",
    MomentKind.IRONY: "语带反讽",
    MomentKind.REPEAT: "重复提问",
    MomentKind.INTERRUPTION: "抢话",
    MomentKind.CHURN_SIGNAL: "流露放弃之意",
    MomentKind.ESCALATION: "要求升级或投诉",
    MomentKind.NO_ANSWER: "未正面回应",
    MomentKind.RECOVERY: "情绪缓和",
    MomentKind.EVENT: "一侧出现{event}",
}

#: Notes by their code; values stand in braces. A code that is not here is shown as it is, with its values.
NOTES: Mapping[str, str] = {
    "no_speech": "录音中没有识别到语音。",
    "duration_unknown": "不知道录音总长，开头和结尾的沉默没有计入。",
    "roles_unknown": "有{share}的语句不知道是谁说的。",
    "roles_guessed": "有{share}的语句{source}说话人，标有“（推断）”，可能有误。",
    "roles_from_voices": "两人在同一声道，说话人按声音区分，再按用语判断谁是客服，可能有误。",
    "roles_from_words": "说话人按用语推断：{segments}句中推断{guessed}句，{unknown}句未知。",
    "emotion_not_judged": "有{share}的说话时长没有做情绪判定。",
    "emotion_mostly_unknown": "有{share}的说话时长模型无法判断情绪，情绪曲线和趋势仅供参考。",
    "outside_model_domain": "模型“{model}”听不懂这样的声音（{share}的话不成句）：文字不可信，不判情绪，不扣分。",
    "loudness_unknown": "没有音量数据。",
    "sounds_not_judged": "没有判定笑声、音乐等声音事件。",
    "rules_last_good": "规则文件有{problems}处错误，本报告按上一次正确的规则判定。第一处：{first}",
    "rules_not_judged": "这些规则这次没能判定，未计入得分：{rules}",
    "sources_missing": "有录音来源读不到，里面的新通话不在本报告里：{first}",
    "not_transcribed": "有{calls}通新录音还没有转写，不在本报告里：{first}",
    "rules_unreadable": "规则读不出来，也没有上一次正确的规则，新通话没有判定：{first}",
    "calls_waiting": "有{calls}通电话还没有结果：{names}。",
    "documents_missing": "有文档没能生成。",
    "recordings_waiting": "有{calls}段录音还在写入，下次运行再处理：{names}。",
    "recordings_undated": "有{calls}段录音不知道何时开始，没有计入任何一天：{names}。",
    "recordings_unlisted": "有{calls}段录音在清单里没有：{names}。",
    "recordings_unfit": "有{calls}段录音的文件名不合约定，订单和客服未知：{names}。",
    "recordings_twice": "有{calls}段录音与别的录音内容相同，没有重复计算：{names}。",
    "incomplete": "当天的通话还没有全部处理完。",
    "fake_stereo": "录音的{channels}个声道内容相同，按单声道处理，说话人不能按声道区分。",
    "channel_map_does_not_fit": "登记的声道说明（{roles}）与录音的{channels}个声道不符，没有采用。",
    "partial_not_processed": "有{count}通电话还没有处理完，没有计入本报告。",
    "partial_not_over": "统计的时间段还没有结束，之后的通话没有计入。",
    "partial_recordings_missing": "清单里有{count}通电话没有找到录音，没有计入本报告。",
    "channels_maybe_swapped": "声道可能接反：{at_ms}在客户声道听到“{quote}”。说话人未作改动，请核对。",
}


def role(value: Role, *, guessed: bool = False) -> str:
    """Name a speaker; a guess says that it is one."""
    return ROLES[value] + (GUESSED if guessed and value is not Role.UNKNOWN else "")


def tag(state: str) -> str:
    """Write an emotion, a trajectory state or an audio event as the tag that readers search for."""
    if state == STATE_NOT_JUDGED:
        return NOT_JUDGED_TAG
    return state if state.startswith("[") else f"[{state.upper()}]"


def tag_style(state: str) -> str:
    """Return the style of a state's tag."""
    return TAG_STYLES.get(state.strip("[]").upper(), "tag-event")


def tag_name(state: str) -> str:
    """Say in Chinese what a tag means."""
    key = state.strip("[]").upper()
    return EMOTIONS.get(key) or _EVENT_TAGS.get(key) or key


def note(value: Note) -> str:
    """Word a note by its code; an unknown code is shown with its values, never dropped."""
    template = NOTES.get(value.code)
    if template is not None:
        try:
            return template.format_map({key: _note_value(key, text) for key, text in value.values.items()})
        except (KeyError, IndexError, ValueError):
            pass  # a note whose values do not fit its wording is shown raw below
    values = "，".join(f"{key}＝{text}" for key, text in value.values.items())
    return f"{value.code}（{values}）" if values else value.code


def _note_value(key: str, text: str) -> str:
    """Word one value of a note: notes carry shares as fractions, times in ms, roles and sources by their names."""
    if key == "share":
        return share(float(text))
    if key == "at_ms":
        return second(int(text))
    if key == "source":
        return ROLE_SOURCES[RoleSource(text)]
    if key == "roles":
        return "、".join(ROLES[Role(name)] for name in text.split("|"))
    return text


def second(at_ms: int) -> str:
    """42 500 ms → 第42秒."""
    return f"第{at_ms // 1000}秒"


def clock(at_ms: int) -> str:
    """42 500 ms → 0:42; an hour and more → 1:02:03."""
    minutes, seconds = divmod(at_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def duration(length_ms: int | None) -> str:
    """5 040 ms → 5.0秒; 184 320 ms → 3分04秒; not measured says so."""
    if length_ms is None:
        return NOT_MEASURED
    if length_ms < 59_950:
        return f"{length_ms / 1000:.1f}秒"
    minutes, seconds = divmod(round(length_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}小时{minutes:02d}分{seconds:02d}秒" if hours else f"{minutes}分{seconds:02d}秒"


def instant(value: datetime | None) -> str:
    """Write 2026-11-21 09:13; an offset other than China's is named."""
    if value is None:
        return "时间未知"
    text = value.strftime("%Y-%m-%d %H:%M")
    offset = value.utcoffset()
    if offset is None or offset == timedelta(hours=8):
        return text
    return text + (value.strftime(" %z") if offset else " UTC")


def signed(value: float, digits: int = 1) -> str:
    """+0.4, −3.1, 0.0: with a real minus sign."""
    text = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", "−")


def points(value: int) -> str:
    """−10分, +5分, 不计分."""
    return f"{signed(value, 0)}分" if value else "不计分"


def share(value: float | None) -> str:
    """0.124 → 12%; a share that is small but not nothing says so."""
    if value is None:
        return NOT_MEASURED
    if 0 < value < 0.005:
        return "不足1%"
    return f"{value:.0%}"


def quoted(text: str) -> str:
    """Put words in quotation marks."""
    return f"“{text}”"
