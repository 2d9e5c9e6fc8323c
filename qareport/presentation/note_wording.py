"""The texts of notes: what a reader must know before trusting a report, by code."""

from __future__ import annotations

from collections.abc import Mapping

from qareport.model import (
    Note,
    NoteCode,
    ReaderFault,
    Role,
    RoleSource,
)
from qareport.presentation import wording
from qareport.presentation.locale import N_, Translated, _

#: Notes by their code; their values are named in braces. A code without a text is shown as it is, with its values.
NOTES: Mapping[str, str] = Translated(
    {
        NoteCode.NO_SPEECH: N_("录音中没有识别到语音。"),
        NoteCode.DURATION_UNKNOWN: N_("不知道录音总长，开头和结尾的沉默没有计入。"),
        NoteCode.ROLES_UNKNOWN: N_("有{share}的语句不知道是谁说的。"),
        NoteCode.ROLES_GUESSED: N_("有{share}的语句{source}说话人，标有“（推断）”，可能有误。"),
        NoteCode.ROLES_FROM_VOICES: N_("两人在同一声道，说话人按声音区分，再按用语判断谁是客服，可能有误。"),
        NoteCode.ROLES_FROM_WORDS: N_("说话人按用语推断：{segments}句中推断{guessed}句，{unknown}句未知。"),
        NoteCode.EMOTION_NOT_JUDGED: N_("有{share}的说话时长没有做情绪判定。"),
        NoteCode.EMOTION_MOSTLY_UNKNOWN: N_("有{share}的说话时长模型无法判断情绪，情绪曲线和趋势仅供参考。"),
        NoteCode.OUTSIDE_MODEL_DOMAIN: N_(
            "模型“{model}”听不懂这样的声音（{share}的话不成句）：文字不可信，不判情绪，不扣分。"
        ),
        NoteCode.LOUDNESS_UNKNOWN: N_("没有音量数据。"),
        NoteCode.SOUNDS_NOT_JUDGED: N_("没有判定笑声、音乐等声音事件。"),
        NoteCode.LANGUAGE_MODEL_FAILED: N_("语言模型没有给出可用的回答（{fault}），这通电话由随附的模型判断。"),
        NoteCode.RULES_LAST_GOOD: N_("规则文件有{problems}处错误，本报告按上一次正确的规则判定。第一处：{first}"),
        NoteCode.RULES_NOT_JUDGED: N_("这些规则这次没能判定，未计入得分：{rules}"),
        NoteCode.NOT_SCORED_SPEAKERS: N_("未评分：说话人不明（{share}的语句不知道是谁说的）。"),
        NoteCode.SOURCES_MISSING: N_("有录音来源读不到，里面的新通话不在本报告里：{first}"),
        NoteCode.NOT_TRANSCRIBED: N_("有{calls}通新录音还没有转写，不在本报告里：{first}"),
        NoteCode.RULES_UNREADABLE: N_("规则读不出来，也没有上一次正确的规则，新通话没有判定：{first}"),
        NoteCode.CALLS_WAITING: N_("有{calls}通电话还没有结果：{names}。"),
        NoteCode.CALLS_MISSING: N_(
            "没有找到这一天的通话，一周前的同一天有{calls}通。如果当天营业，录音可能还没有送到。"
        ),
        NoteCode.DOCUMENTS_MISSING: N_("有文档没能生成。"),
        NoteCode.RECORDINGS_WAITING: N_("有{calls}段录音还在写入，下次运行再处理：{names}。"),
        NoteCode.RECORDINGS_UNDATED: N_("有{calls}段录音不知道何时开始，没有计入任何一天：{names}。"),
        NoteCode.RECORDINGS_UNLISTED: N_("有{calls}段录音在清单里没有：{names}。"),
        NoteCode.RECORDINGS_UNFIT: N_("有{calls}段录音的文件名不合约定，订单和客服未知：{names}。"),
        NoteCode.RECORDINGS_TWICE: N_("有{calls}段录音与别的录音内容相同，没有重复计算：{names}。"),
        NoteCode.INCOMPLETE: N_("当天的通话还没有全部处理完。"),
        NoteCode.FAKE_STEREO: N_("录音的{channels}个声道内容相同，按单声道处理，说话人不能按声道区分。"),
        NoteCode.ONE_CHANNEL_SOUNDS: N_(
            "{channels}个声道里只有第{channel}声道有人说话：双方可能录在同一声道，说话人请核对。"
        ),
        NoteCode.CROSSTALK: N_("声道串音：有{seconds}秒的声音同时录进了两个声道，较轻的一份没有计入。"),
        NoteCode.TRACKS_JOINED: N_("录音文件有{tracks}条音轨，按{channels}个声道处理。"),
        NoteCode.TRACKS_SKIPPED: N_("录音文件有{tracks}条音轨无法解码，里面的话不在本报告里。"),
        NoteCode.GAPS_FILLED: N_("录音里有{seconds}秒没有数据（静音时不传声音），按没有声音计。"),
        NoteCode.DAMAGE_FILLED: N_("录音里有{seconds}秒数据损坏，无法解码，按没有声音计。"),
        NoteCode.END_UNCERTAIN: N_("录音文件没有结束标记，或末尾不完整：最后可能缺一小段。"),
        NoteCode.FLOATS_SCALED: N_("录音文件用浮点数记下了16位的数值，已换算成正常音量。"),
        NoteCode.WORD_TIMES_DROPPED: N_(
            "有{segments}句话里字词的时间不合理（结束早于开始，或超出录音），没有采用，只用整句的时间。"
        ),
        NoteCode.CHANNEL_MAP_DOES_NOT_FIT: N_("登记的声道说明（{roles}）与录音的{channels}个声道不符，没有采用。"),
        NoteCode.PARTIAL_NOT_PROCESSED: N_("有{count}通电话还没有处理完，没有计入本报告。"),
        NoteCode.PARTIAL_NOT_OVER: N_("统计的时间段还没有结束，之后的通话没有计入。"),
        NoteCode.PARTIAL_RECORDINGS_MISSING: N_("清单里有{count}通电话没有找到录音，没有计入本报告。"),
        NoteCode.CHANNELS_MAYBE_SWAPPED: N_("声道可能接反：{at_ms}在客户声道听到“{quote}”。说话人未作改动，请核对。"),
    }
)
#: Why a language model gave no answer.
FAULTS: Mapping[str, str] = Translated(
    {
        ReaderFault.UNREACHABLE: N_("连不上"),
        ReaderFault.TIMEOUT: N_("超时"),
        ReaderFault.KEY_REFUSED: N_("密钥被拒绝"),
        ReaderFault.REDIRECT: N_("服务器要求转到别的地址"),
        ReaderFault.HTTP_ERROR: N_("服务器报错"),
        ReaderFault.REFUSAL: N_("模型拒绝回答"),
        ReaderFault.BAD_ANSWER: N_("回答不合要求"),
    }
)


def note(value: Note) -> str:
    """Word a note by its code; an unknown code is shown with its values, never dropped."""
    template = NOTES.get(value.code)
    if template is not None:
        try:
            return template.format_map({key: _note_value(key, text) for key, text in value.values.items()})
        except (KeyError, IndexError, ValueError):
            pass  # a note whose values do not fit its wording is shown raw below
    values = _("，").join(_("{key}＝{text}").format(key=key, text=text) for key, text in value.values.items())
    return wording.beside(value.code, values)


def _note_value(key: str, text: str) -> str:
    """Word one value of a note: notes carry shares as fractions, times in ms, roles and sources by their names."""
    if key == "share":
        return wording.share(float(text))
    if key == "at_ms":
        return wording.second(int(text))
    if key == "source":
        return wording.ROLE_SOURCES[RoleSource(text)]
    if key == "fault":
        return FAULTS[text]
    if key == "roles":
        return wording.listed(wording.ROLES[Role(name)] for name in text.split("|"))
    return text
