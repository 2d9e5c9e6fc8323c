"""Words and number formats of all documents: names, marks, units, rounding. Nothing else words anything.

Times and lengths of a minute and more round down to the second (a moment at 42.9 s is found at second 42, and a call of
62.7 s ends at 1:02); all else rounds half to even as Python does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from qareport.model import (
    GUESSED_SOURCES,
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    AudioEvent,
    CallMetrics,
    Emotion,
    Moment,
    MomentKind,
    MomentLabel,
    Risk,
    Role,
    RoleSource,
    Severity,
)
from qareport.presentation.locale import N_, Translated, _, plural, unbroken

TITLE = N_("通话质检报告")
NOT_MEASURED = N_("未测得")
UNKNOWN = N_("未知")
NOT_JUDGED_TAG = N_("[未判定]")
SILENCE_TAG = "[SILENCE]"
DEMO_NOTICE = N_("演示模型：本报告由随附的小模型生成，它只认得随附的合成演示语音，对真实通话的文字和情绪没有意义。")

ROLES: Mapping[Role, str] = Translated(
    {Role.CUSTOMER: N_("客户"), Role.AGENT: N_("客服"), Role.UNKNOWN: N_("说话人未知")}
)
GUESSED = N_("（推断）")
#: A word that was known by its sound only.
FUZZY = N_("（读音相近）")
#: Sources that tell a role without doubt; voices and words only suggest it.
SURE_SOURCES = frozenset(RoleSource).difference(GUESSED_SOURCES)
ROLE_SOURCES: Mapping[RoleSource, str] = Translated(
    {
        RoleSource.CHANNEL: N_("按声道，确定"),
        RoleSource.GIVEN: N_("由转写给定"),
        RoleSource.VOICE: N_("按声音推断"),
        RoleSource.WORDS: N_("按用语推断"),
    }
)

EMOTIONS: Mapping[str, str] = Translated(
    {
        Emotion.HAPPY: N_("满意"),
        Emotion.SAD: N_("失望"),
        Emotion.ANGRY: N_("愤怒"),
        Emotion.NEUTRAL: N_("中性"),
        Emotion.FEARFUL: N_("担忧"),
        Emotion.DISGUSTED: N_("厌烦"),
        Emotion.SURPRISED: N_("意外"),
        Emotion.OTHER: N_("其他情绪"),
        Emotion.EMO_UNKNOWN: N_("模型无法判断"),
        STATE_NOT_JUDGED: N_("未做情绪判定"),
        STATE_SILENCE: N_("沉默"),
        TAG_IRONY: N_("反讽"),
    }
)
EVENTS: Mapping[str, str] = Translated(
    {
        AudioEvent.SPEECH: N_("说话"),
        AudioEvent.BGM: N_("背景音乐"),
        AudioEvent.LAUGHTER: N_("笑声"),
        AudioEvent.APPLAUSE: N_("掌声"),
        AudioEvent.CRY: N_("哭声"),
        AudioEvent.SNEEZE: N_("喷嚏"),
        AudioEvent.BREATH: N_("呼吸声"),
        AudioEvent.COUGH: N_("咳嗽"),
        AudioEvent.SING: N_("歌声"),
        AudioEvent.SPEECH_NOISE: N_("嘈杂人声"),
        AudioEvent.GBG: N_("杂音"),
        AudioEvent.EVENT_UNK: N_("未知声音"),
    }
)
_EVENT_TAGS = {AudioEvent(key).value.upper(): key for key in EVENTS}
#: How a tag looks; each style has its own frame or fill in the templates, so it survives a greyscale printer.
TAG_STYLES: Mapping[str, str] = {
    Emotion.ANGRY: "tag-negative",
    Emotion.SAD: "tag-negative",
    Emotion.FEARFUL: "tag-negative",
    Emotion.DISGUSTED: "tag-negative",
    TAG_IRONY: "tag-negative",
    Emotion.HAPPY: "tag-positive",
    Emotion.SURPRISED: "tag-other",
    Emotion.OTHER: "tag-other",
    Emotion.NEUTRAL: "tag-neutral",
    Emotion.EMO_UNKNOWN: "tag-unknown",
    STATE_NOT_JUDGED: "tag-unjudged",
    STATE_SILENCE: "tag-silence",
}

SEVERITIES: Mapping[Severity, str] = Translated(
    {
        Severity.INFO: N_("提示"),
        Severity.MINOR: N_("一般"),
        Severity.MAJOR: N_("主要"),
        Severity.CRITICAL: N_("严重"),
    }
)
RISKS: Mapping[Risk, str] = Translated({Risk.LOW: N_("低风险"), Risk.MEDIUM: N_("中风险"), Risk.HIGH: N_("高风险")})
TRENDS: Mapping[str, str] = Translated({"improving": N_("好转"), "steady": N_("平稳"), "worsening": N_("转差")})
#: A mood that stays as bad (or as good) as this, of -5 … +5, is not called steady: that would read as calm.
_MOODY = 1.5
STEPS: Mapping[str, str] = Translated(
    {
        "ingest": N_("登记"),
        "decode": N_("读取录音"),
        "transcribe": N_("转写"),
        "analyse": N_("分析"),
        "render": N_("生成报告"),
    }
)

#: Measures of a call by their id (`qareport.model.measures`).
MEASURES: Mapping[str, str] = Translated(
    {
        "duration_ms": N_("通话时长"),
        "talk_ms": N_("有人说话"),
        "talk_share": N_("有人说话占通话"),
        "non_talk_ms": N_("无人说话"),
        "non_talk_share": N_("无人说话占通话"),
        "overlap_ms": N_("同时说话"),
        "overlap_share": N_("同时说话占通话"),
        "silence_count": N_("沉默次数"),
        "silence_ms": N_("沉默合计"),
        "silence_share": N_("沉默占通话"),
        "longest_silence_ms": N_("最长沉默"),
        "hold_count": N_("让客户等待次数"),
        "hold_ms": N_("让客户等待"),
        "longest_hold_ms": N_("最长等待"),
        "first_response_ms": N_("客服首次响应"),
        "median_response_ms": N_("客服响应中位数"),
        "longest_response_ms": N_("客服最长响应"),
        "unknown_emotion_share": N_("未知情绪占比"),
        "agent_segments": N_("客服说话段数"),
        "agent_talk_ms": N_("客服说话时长"),
        "agent_talk_share": N_("客服说话占比"),
        "agent_longest_monologue_ms": N_("客服最长连续说话"),
        "agent_interruptions": N_("客服抢话"),
        "agent_interruption_ms": N_("客服抢话时长"),
        "agent_characters_per_minute": N_("客服语速"),
        "agent_words_per_minute": N_("客服英语语速"),
        "agent_loudness_dbfs": N_("客服平均音量"),
        "agent_sentiment": N_("客服情绪分"),
        "agent_sentiment_start": N_("客服首段情绪分"),
        "agent_sentiment_end": N_("客服末段情绪分"),
        "customer_segments": N_("客户说话段数"),
        "customer_talk_ms": N_("客户说话时长"),
        "customer_talk_share": N_("客户说话占比"),
        "customer_longest_monologue_ms": N_("客户最长连续说话"),
        "customer_interruptions": N_("客户抢话"),
        "customer_interruption_ms": N_("客户抢话时长"),
        "customer_characters_per_minute": N_("客户语速"),
        "customer_words_per_minute": N_("客户英语语速"),
        "customer_loudness_dbfs": N_("客户平均音量"),
        "customer_sentiment": N_("客户情绪分"),
        "customer_sentiment_start": N_("客户首段情绪分"),
        "customer_sentiment_end": N_("客户末段情绪分"),
    }
)

#: What a key moment means. In Chinese it is the `label` of the report's JSON, too, and how rules name it.
LABEL_SOURCES: Mapping[MomentLabel, str] = {
    MomentLabel.MENTION: N_("提及"),
    MomentLabel.DOUBT: N_("疑虑"),
    MomentLabel.ASK_AGAIN: N_("催问"),
    MomentLabel.GIVE_UP: N_("放弃"),
    MomentLabel.NO_ANSWER: N_("未正面回应"),
    MomentLabel.NOBODY_SPEAKS: N_("无人应答"),
    MomentLabel.FALLS_SILENT: N_("沉默"),
    MomentLabel.TRUST_BROKEN: N_("信任崩塌"),
    MomentLabel.ESCALATION: N_("要求升级"),
    MomentLabel.IRONY: N_("反讽"),
    MomentLabel.INTERRUPTION: N_("抢话"),
    MomentLabel.RECOVERY: N_("缓和"),
    MomentLabel.BROKEN_PROMISE: N_("承诺未兑现"),
    MomentLabel.HAPPY: N_("满意"),
    MomentLabel.SAD: N_("失望"),
    MomentLabel.ANGRY: N_("愤怒"),
    MomentLabel.FEARFUL: N_("担忧"),
    MomentLabel.DISGUSTED: N_("厌烦"),
    MomentLabel.SURPRISED: N_("意外"),
    MomentLabel.BGM: N_("背景音乐"),
    MomentLabel.LAUGHTER: N_("笑声"),
    MomentLabel.APPLAUSE: N_("掌声"),
    MomentLabel.CRY: N_("哭声"),
    MomentLabel.SNEEZE: N_("喷嚏"),
    MomentLabel.BREATH: N_("呼吸声"),
    MomentLabel.COUGH: N_("咳嗽"),
    MomentLabel.SING: N_("歌声"),
}
LABELS: Mapping[MomentLabel, str] = Translated(LABEL_SOURCES)

#: What happened, as the predicate of a sentence about the speaker; {topic}, {emotion}, {span} and {event} are filled.
PREDICATES: Mapping[MomentKind, str] = Translated(
    {
        MomentKind.TOPIC_MENTION: N_("提及“{topic}”"),
        MomentKind.EMOTION: N_("情绪转为{emotion}"),
        MomentKind.SILENCE: N_("{span}没有接话"),
        MomentKind.IRONY: N_("语带反讽"),
        MomentKind.REPEAT: N_("重复提问"),
        MomentKind.INTERRUPTION: N_("抢话"),
        MomentKind.CHURN_SIGNAL: N_("流露放弃之意"),
        MomentKind.ESCALATION: N_("要求升级或投诉"),
        MomentKind.NO_ANSWER: N_("未正面回应"),
        MomentKind.RECOVERY: N_("情绪缓和"),
        MomentKind.BROKEN_PROMISE: N_("指出承诺未兑现"),
        MomentKind.EVENT: N_("一侧出现{event}"),
    }
)
#: The same where the label says more than the kind: whose silence it is.
LABEL_PREDICATES: Mapping[tuple[MomentKind, MomentLabel], str] = Translated(
    {
        (MomentKind.SILENCE, MomentLabel.GIVE_UP): N_("沉默{span}后放弃"),
        (MomentKind.SILENCE, MomentLabel.FALLS_SILENT): N_("沉默{span}，随后不满"),
    }
)
#: One node for several sentences in a row.
TIMES = N_("（连续{count}句）")


def demo_notice(models: Iterable[str]) -> str:
    """Say that the bundled small model was among the models, which understands the bundled calls alone; else ""."""
    return _(DEMO_NOTICE) if any(model.startswith("demo") for model in models) else ""


def role(value: Role, *, guessed: bool = False) -> str:
    """Name a speaker; a guess says that it is one."""
    return ROLES[value] + (_(GUESSED) if guessed and value is not Role.UNKNOWN else "")


def tag(state: str) -> str:
    """Write an emotion, a trajectory state or an audio event as the tag that readers search for."""
    if state == STATE_NOT_JUDGED:
        return _(NOT_JUDGED_TAG)
    return state if state.startswith("[") else f"[{state.upper()}]"


def tag_style(state: str) -> str:
    """Return the style of a state's tag."""
    return TAG_STYLES.get(state.strip("[]").upper(), "tag-event")


def tag_name(state: str) -> str:
    """Say in words what a tag means."""
    key = state.strip("[]").upper()
    if key in _EVENT_TAGS:
        return EVENTS[_EVENT_TAGS[key]]
    return EMOTIONS.get(key) or key


def label(moment: Moment) -> str:
    """Word what a key moment means: the program's own label in the document's language, any other as it was written."""
    return LABELS[moment.label_code] if moment.label_code is not None else moment.label


def with_label(moment: Moment) -> Moment:
    """Write the Chinese label of the program beside its code, for people who read the JSON."""
    return moment if moment.label_code is None else replace(moment, label=LABEL_SOURCES[moment.label_code])


def label_code(text: str) -> MomentLabel | None:
    """Return the label that a text names, by its code or in Chinese; None: the text is none of the program's labels."""
    return next((code for code, source in LABEL_SOURCES.items() if text in (code, source)), None)


def second(at_ms: int) -> str:
    """42 500 ms → 第42秒."""
    return unbroken(_("第{second}秒").format(second=at_ms // 1000))


def clock(at_ms: int) -> str:
    """42 500 ms → 0:42; an hour and more → 1:02:03."""
    minutes, seconds = divmod(at_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def duration(length_ms: int | None) -> str:
    """5 040 ms → 5.0秒; 184 320 ms → 3分04秒, rounded down as `clock` does; not measured says so."""
    if length_ms is None:
        return _(NOT_MEASURED)
    if length_ms < 60_000:
        return unbroken(_("{seconds:.1f}秒").format(seconds=min(length_ms / 1000, 59.9)))
    minutes, seconds = divmod(length_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return unbroken(_("{minutes}分{seconds:02d}秒").format(minutes=minutes, seconds=seconds))
    text = _("{hours}小时{minutes:02d}分{seconds:02d}秒").format(hours=hours, minutes=minutes, seconds=seconds)
    return unbroken(text)


def instant(value: datetime | None) -> str:
    """Write 2026-11-21 09:13; an offset other than China's is named."""
    if value is None:
        return _("时间未知")
    text = value.strftime("%Y-%m-%d %H:%M")
    offset = value.utcoffset()
    if offset is None or offset == timedelta(hours=8):
        return text
    return text + (value.strftime(" %z") if offset else " UTC")


def deadline(value: datetime) -> str:
    """Write until when something is to be done: 11月21日18:00前; the end of a day has no time: 11月21日内."""
    time = value.strftime("%H:%M")
    day = {"year": value.year, "month": value.month, "day": value.day}
    return (
        _("{month}月{day}日内").format(**day)
        if time == "23:59"
        else _("{month}月{day}日{time}前").format(**day, time=time)
    )


def nth(number: int) -> str:
    """Name a call of an order by its number, in a table: 第2次."""
    return _("第{number}次").format(number=number)


def nth_call(number: int) -> str:
    """Name a call of an order by its number: 第2次来电."""
    return _("第{number}次来电").format(number=number)


def times(count: int) -> str:
    """Count how often: 3次."""
    return plural("{count}次", count, count=count)


def signed(value: float, digits: int = 1) -> str:
    """+0.4, −3.1, 0.0: with a real minus sign."""
    text = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", "−")


def points(value: int) -> str:
    """−10分, +5分, 不计分."""
    return plural("{points}分", abs(value), points=signed(value, 0)) if value else _("不计分")


def share(value: float | None) -> str:
    """0.124 → 12%; a share that is small but not nothing says so."""
    if value is None:
        return _(NOT_MEASURED)
    if 0 < value < 0.005:
        return _("不足1%")
    return f"{value:.0%}"


def trend(metrics: CallMetrics) -> str:
    """Name how the customer's mood went; empty where too little of it could be judged."""
    customer = metrics.roles.get(Role.CUSTOMER.value)
    mood = customer.sentiment if customer is not None else None
    if metrics.trend == "steady" and mood is not None and abs(mood) >= _MOODY:
        return _("一直偏负面") if mood < 0 else _("一直偏正面")
    return TRENDS.get(metrics.trend or "", "")


def quoted(text: str) -> str:
    """Put words in quotation marks."""
    return _("“{text}”").format(text=text)


def listed(items: Iterable[str]) -> str:
    """Put things of a kind beside each other: 甲、乙."""
    return _("、").join(items)


def clauses(items: Iterable[str]) -> str:
    """Put clauses beside each other: 甲；乙."""
    return _("；").join(items)


def beside(text: str, remark: str) -> str:
    """Put a remark in brackets behind a text; nothing to remark leaves the text alone: 甲（乙）."""
    return _("{text}（{remark}）").format(text=text, remark=remark) if remark else text


def capital(text: str) -> str:
    """Begin the head of a column with a capital letter, in languages that have them."""
    return text[:1].upper() + text[1:]


def named(name: str, text: str) -> str:
    """Put a text behind its name: 甲：乙."""
    return _("{name}：{text}").format(name=name, text=text)
