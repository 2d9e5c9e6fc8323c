"""What of an agent's sentence holds for every customer: without courtesy, waiting, and what is true of one order only.

A sentence is looked at clause by clause, between commas: "您这单还没走完，走完了才有" holds something for everyone in
its second half. The forms below are of Mandarin and English service calls; those of dialects pass unnoticed.
"""

from __future__ import annotations

import re
from typing import Final

_CLAUSE: Final = re.compile(r"[^，,。；;！!？?…\n]+[，,。；;！!？?…\n]*")
#: An English full stop ends a clause; the point of 39.9 and of "2.4" does not.
_STOP: Final = re.compile(r"(?<=[A-Za-z\u3400-\u9fff])\. *(?=\S)")

#: A whole clause that says nothing: greetings, thanks, goodbyes, apologies, sympathy, waiting.
_COURTESY: Final = re.compile(
    r"(您好|你好|亲+|喂|哎|唉|嗯+|哦+|噢+|哈+|呵+|那个|这个(呀|呢|啊)?|这样啊|好(的|嘞|呀|啊|吧)?|行(的"
    r"|吧)?|对(的|对)*|是(的|啊|呀)?|没错|"
    r"明白|了解|收到|知道了|好了|在的)+[哈呢啊呀哦的]*"
    r"|.*(客气|该做的|有(什么|啥)(能|可以)?帮|不用谢|没事[的儿]?$|应该的|感谢|谢谢|谢您|祝您|再见|拜拜|欢迎"
    r"|很高兴|为您服务|帮(到|上)您|需要帮|还有(什么|啥|别的|其他)|别的还|"
    r"其他还|另外还|评价|打个?分|好评|满意度|抱歉|不好意思|对不住|对不起|过意不去|给您添|添麻烦|体谅|谅解"
    r"|见谅|多担待|多包涵|辛苦|久等|理解您|您的心情|放心吧?$|您放心|"
    r"别着?急|不用急|甭急|别上火|慢慢来|慢走|慢着|(您)?(查收|留意|注意)(一下|着|查收)?$|了解(一下|下)哈?$)"
    r".*"
    r"|(请|麻烦|您|再|先|就|劳)*(耐心|稍|等)(微|候)?(等+|一?[等下会]|片刻).*"
    r"|(hello|hi|sure|okay|ok|great|good|sorry|thank|thanks|you'?re welcome|no problem|please wait"
    r"|one moment|have a)\b.*"
    r"|.*\b(sorry|apologi[sz]e|thank you|anything else|welcome)\b.*",
    re.IGNORECASE,
)  # fmt: skip
#: A clause in which the agent works, asks for data or puts the customer off.
_WORK: Final = re.compile(
    r"(我|这边|马上|立马|正|帮您|给您|为您)[^，]{0,4}(查|看一?[下看眼]|看着|核[实对一查]|问一?问|问一下"
    r"|调一下|催|登记|记下|备注|反馈|反映|报上去|转给|交给|提交|申请|处理|安排|"
    r"拦|取消|加上|加急|盯|联系|说了|讲了)"
    r"|(订单号|单号|会员号|手机号|电话号|联系电话|姓名|资料|截图)[^，]{0,8}(报|念|给我|说一?下|发一?下|提供"
    r"|多少|发我)|(报|念|提供|给)一?下[^，]{0,6}(号|电话|姓名|地址)"
    r"|(有|出)(了)?(结果|消息|回复)|(尽快|第一时间|头一时间|赶紧)|(回|打)(您|给您|个?电话给您)|给您(回|打)"
    r"|(同事|专员|专人|那边|部门)[^，]{0,6}(查|核|跟|处理|联系|看)"
    r"|我(让|叫)|我来[^，]{0,6}$|正[^，]{1,4}着|现在就|这就|您?(念|报|讲)(一下|我听|给我)?$|\b(let me|i'?ll"
    r"|i will|i am|i'?m) (check|look|call|text|ask|see|calling)\b",
    re.IGNORECASE,
)  # fmt: skip
#: A clause about this order, this parcel, this account, or a day.
_THIS_ORDER: Final = re.compile(
    r"\[[^\]]{2,6}\]|(?<![\d])(?!400|800|95\d{3}\b|12\d{3}\b)\d{7,}"
    r"|您(这|那|的这)(一)?[单张件个笔票把台边包箱](?!的话)|您(的)?(订单|包裹|快递|快件|件|退款|货|账户|账号"
    r"|记录|工单|报修单)(?!号|编号|页)|这一?[单张件笔]|尾号"
    r"|(已经?|刚刚?|刚才|早先)[^，]{0,3}(给|帮|为|替)|(给|帮|为|替)您[^，]{0,4}(了|好|上)$|(给|帮|替"
    r"|为)您(改|换|退|发|补|开|约|报|办|取|停|留|拿|做|找|弄|免|送|寄|转)(?!\S*(就行|也行))"
    r"|(预计|估计|大概|大约)[^，]{0,6}(号|明|后天|今|下周|礼拜|星期|周|送|到|发|能)|显示|系统(里|上)?(写"
    r"|没有|看)|查(到|着|过)了?|看(到|见|过)了|还(没|未)(签收|发|出|开|到|走完|送)"
    r"|^(已经?|刚刚?|都)[^，]{0,2}(备注|登记|提交|申请|安排|取消|加|改|发|退|补|开|寄|处理|采)|过您"
    r"|[打拨来]了.次|我(们)?(给|帮|让|跟)[他她它您师仓快]|分拨|装上?车|采购|在进了"
    r"|(上午|下午|晚上|中午|傍晚)[一二三四五六七八九十\d]+点|^(您看|还)是|[退补发寄改开]给您[了啦]|给您[了啦]$"
    r"|(今天|今儿|今晚|今早|明天|明儿|明早|明晚|后天|大后天|昨天|昨晚|前天|上周|下周|这周|本周|上个月"
    r"|礼拜[一二三四五六日天]|星期[一二三四五六日天]|周[一二三四五六日](?!到|至))"
    r"|(\d{1,2}|[一二三四五六七八九十]+)月(\d{1,2}|[一二三四五六七八九十]+)[号日]|(?<![\d每月第])(\d{1,2}"
    r"|[一二三]?十[一二三四五六七八九]?|[二三]十)号(?!线|楼|店|色|柜|键|裤|库)"
    r"|(派送|配送|运输|派件)(当?中|途中)|在(路上|车上|途中)|正在|在(派|送|采|审|走|等)"
    r"|\b(today|tonight|tomorrow|yesterday|your order|your parcel)\b",
    re.IGNORECASE,
)  # fmt: skip
#: A clause that is a condition or a rule names no order, whatever else it says.
_RULE: Final = re.compile(
    r"如果|要是|的话|才(能|有|会|行)|之?后|以前|之前|每|都(得|要|能|会|可以|是)|一般|凡是|只要|超过"
)
#: Something was just done for this customer: 加上了, 取消了.
_DONE: Final = re.compile(r"(都|已经?|就|好|帮您|给您)?[^，要会就能可到]{1,5}(了|好了|上了)$")
_FILLER_START: Final = re.compile(
    r"^(您好|你好|亲|阿姨|叔叔|大爷|大妈|先生|女士|喂|哎|唉|嗯+|哦+|噢+|啊|呃|哈喽|那个|这个呢|好的?|行|对"
    r"|我说|劳驾|(我)?(想|就)?(问|打听|咨询)(问|打听|咨询|一下|个事儿?)?|不好意思|抱歉|是这样的?|哈哈"
    r"|呵呵)[，,。！!、：: ]*"
    r"|^(那|哎呀|就是说?)[，,、 ]"
)
#: Words of rules, prices, ways and properties.
_CUES: Final = re.compile(
    r"一般|通常|都|可以|能|不行|需要|得|建议|先|点|打开|进|设置|页面|后台|如果|要是|的话|每|支持|工作日"
    r"|小时|天|元|块|升|瓦|分|原路|自己|直接|搜|按住?|不用|别|规则|运费|邮|"
    r"满|才|会|用|有|是|选|填|退|换|从|\d|[一二三四五六七八九十]|\b(you|the|if|can|it|must|should|press"
    r"|open|under|settings?|any)\b",
    re.IGNORECASE,
)  # fmt: skip


#: Words without which a sentence that follows something else than a question says nothing for everyone.
_STRONG: Final = re.compile(
    r"一般|通常|都(是|能|可以|要|得|会|行)|可以|能|需要|得(先|要|去|等|用|有|是|在|从|走)|建议|如果|要是"
    r"|的话|每|工作日|小时|\d天|[一二三四五六七八九十]天|元|块|原路|自己|直接|"
    r"点(开|击|进|右|左|那个|一下|邀请|转)|按(住|一下|键|到)|不用|不支持|别|规则|运费|邮|满|才|会|先|再"
    r"|之?后|以前|之前|\b(you can|press|open|if|must|every|only)\b",
    re.IGNORECASE,
)  # fmt: skip
#: A sentence that takes leave, asks for a rating, or begins with what was found in this order.
_WHOLE: Final = re.compile(
    r"满意度|评价|评分|打个?分|好评|祝您|再见|挂断|挂机|按个?一就行|^(好的?，|嗯，)?(看到了|查到了|查着了"
    r"|收到了|找到了)"
)
#: The agent does not know, so nothing was answered.
UNKNOWN: Final = re.compile(r"说不准|拿不准|说不好|说死|定不了|确定不了|不确定|不太?清楚|不知道|没法(给您)?说")


def clauses_of(text: str) -> list[str]:
    """Divide a sentence into clauses, with the marks that end them."""
    return _CLAUSE.findall(_STOP.sub("。", text.strip()))


def general_part(text: str) -> str:
    """Return what of an agent's sentence holds for everyone, or nothing.

    Clauses about this order, of courtesy and of waiting are left out; the others stay as they are said. What follows a
    clause about this order mostly is about it too, unless it has words of a rule.
    """
    if _WHOLE.search(text) or UNKNOWN.search(text):
        return ""
    kept: list[str] = []
    of_order = False
    for clause in clauses_of(text):
        bare = clause.strip(" ，,。；;！!？?…\n~")
        if not bare or _COURTESY.fullmatch(bare):
            continue
        if not _holds_for_all(bare, clause):
            of_order = True
        elif not of_order or _STRONG.search(bare):
            kept.append(clause)
    return without_fillers("".join(kept)).rstrip("，,；;、 ")


def without_fillers(text: str) -> str:
    """Return text without what people say before they begin: 您好, 嗯, 那个."""
    before = None
    while before != text:
        before, text = text, _FILLER_START.sub("", text.strip())
    return text


def has_cue(text: str, *, strong: bool = False) -> bool:
    """Tell whether a text has words of a rule, a price, a way or a property; `strong`: hardly anything else."""
    return (_STRONG if strong else _CUES).search(text) is not None


def _holds_for_all(bare: str, clause: str) -> bool:
    if _WORK.search(bare) or clause.rstrip().endswith(("？", "?")) or bare.endswith(("吗", "么", "吧")):
        return False
    if _RULE.search(bare) and not re.search(r"\[[^\]]{2,6}\]|您这[单张件]", bare):
        return True
    return _THIS_ORDER.search(bare) is None and _DONE.fullmatch(bare) is None
