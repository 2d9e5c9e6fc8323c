"""Words that say what personal datum is meant, and what somebody asks the other one for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from qareport.model import PersonalKind

_K = PersonalKind
#: Nearest to a number, these say what it is. `ORDER` stands for every number that belongs to things or companies.
_WORDS: dict[PersonalKind, str] = {
    _K.ID_CARD: "身份证|身分证|证件号|身份号码",
    _K.DOCUMENT: "护照|驾驶证|驾照|档案编号|档案号|通行证|台胞证|回乡证|军官证|士兵证|居留证|居住证|警官证",
    _K.BANK_CARD: "银行卡|卡号|储蓄卡|信用卡|借记卡|打款账号|收款账号|对公账号|账户|存折|开户|张卡|工行|农行|建行|招行",
    _K.PICKUP_CODE: (
        "取件码|取货码|提货码|取餐码|取票码|开柜码|开箱码|自提码|柜门码|柜子的码|柜给我的码|巢的码|柜的码|驿站的码|菜鸟的码|收货码|签收码|完工码|核销码"
    ),
    _K.CODE: (
        "验证码|校验码|动态码|动态密码|动态口令|登录口令|口令是|码是|发的码|短信码|六位数|四位数|六位码|四位码|位码|来一条|来了一条|短信说是|短信里是|短信上是|短信写的|短信里写的|短信上写的|来了条|收到一条|短信里那个|"
        "短信里的数|位验证|一串码|去了条码|推了码|推了条码|码到了|码来了|码念|念一下码|报得有码|发了码|"
        "发了个码|发了一个码|推一次|密码|安全码|门禁|开门码|访客码|兑换码|卡密"
    ),
    _K.ACCOUNT: (
        "微信|威信|薇信|扣扣|旺旺|支付宝|账号|帐号|用户名|登录名|"
        "账户名|会员号|户号|社保卡|医保卡|游戏ID|游戏id|抖音号|小红书号|昵称"
    ),
    _K.EMAIL: "邮箱|邮件地址|邮件|电邮",
    _K.BIRTHDAY: "生日|出生|生辰",
    _K.NAME: "姓名|名字|称呼|贵姓|姓什么|叫什么|收件人|收货人|户名|全名|谁收|哪位",
    _K.ADDRESS: (
        "几零几|房间号|房号|几单元|几号房|地址|住址|住哪|住在哪|哪个小区|哪个村|您是哪里|寄到哪|寄哪|送到哪|送哪|发到哪|门牌|收货地|哪条路|几号楼|"
        "什么位置|住的地方|新的地方|到哪里|边度"
    ),
    _K.PHONE: (
        "手机号|手机|首机|冧巴|冧把|电话|号码|联系方式|联络方式|座机|固话|回拨|回电|全号|移动号|怎么联系|留个号|打这|打他|拨打|呼叫转移|几号联系|新号|新的号|我的号|用的号|现在用的是"
    ),
    _K.ORDER: (
        "订单|单号|单的号|单子|运单|编号|工单|维修单|报修单|安装单|货号|条码|条形码|税号|识别号|受理号|报障号|服务单|这单|那单|两单|一单|哪单|张单|几单|"
        "俩单|老单|新单|店号|商家号|工号|机器号|序列号|型号|票号|批次|商户号|物流号|快递号|取件号|取件单|柜号|柜子的号|商品码|"
        "航班|车次|单据|流水|交易号|交易的号|售后的号|售后号|商品的号|登记号|批号|那批|企业号|公众号|故障电话|报修电话|你们热线|这批|柜子上的号|"
        "尾号|末尾|尾巴|末了四位|末了几位|最后四位|最后几位|后四位|后三位|后五位|后六位|末四位"
    ),
}
_ENGLISH: dict[PersonalKind, str] = {
    _K.ID_CARD: "id card|identity card|id number|identity number",
    _K.DOCUMENT: "passport|travel permit",
    _K.BANK_CARD: "bank card|card number|credit card|debit card|bank account",
    _K.PICKUP_CODE: "pickup code|pick-up code|locker code",
    _K.CODE: "verification code|the code|code is|passcode|password|door code|gate code",
    _K.ACCOUNT: "wechat|weixin|qq|whatsapp|username|vx",
    _K.EMAIL: "email|e-mail",
    _K.BIRTHDAY: "birthday|date of birth|born",
    _K.NAME: "your name|full name|who am i speaking",
    _K.ADDRESS: "address",
    _K.PHONE: "phone|mobile|cell|call me|number is|reach me|contact number|landline|my number|number's",
    _K.ORDER: (
        "order|order number|tracking|tracking number|reference number|serial number|invoice number|reference|last four|"
        "serial|invoice|imei|sku|model"
    ),
}
_KIND_OF = {word: kind for words in (_WORDS, _ENGLISH) for kind, listed in words.items() for word in listed.split("|")}
#: 运单号 is one word, though 单号 is another.
_CHINESE_CUE = re.compile("|".join(sorted((w for v in _WORDS.values() for w in v.split("|")), key=len, reverse=True)))
_ENGLISH_CUE = re.compile(
    "(?<![a-z])(?:"
    + "|".join(sorted((w for v in _ENGLISH.values() for w in v.split("|")), key=len, reverse=True))
    + ")"
)
_ASCII = re.compile("[A-Za-z]{2}")
#: A question may be no more than 联系电话.
_SHORT = 12
_LABEL = re.compile(r"\[[^\]\n]*\]")


#: Traditional characters of words that matter here, one for one, so that places in the text stay.
_SIMPLIFIED = str.maketrans(
    "電話號碼驗證訊樓棟單門區園廣場東屋係點聯絡傳幾個這還沒給說請讓換帳賬戶銀車開時間買過來後頭裡裏邊街馬衛業鎮鄉縣層錢張陳黃趙吳孫"
    "鄭謝馮鄧蕭蔣葉蘇呂盧鐘譚陸範賈韋鄒龍陶賀顧龔邵萬嚴賴灣運問發貨學應",
    "电话号码验证讯楼栋单门区园广场东屋是点联络传几个这还没给说请让换帐账户银车开时间买过来后头里里边街马卫业镇乡县层钱张陈黄赵吴孙"
    "郑谢冯邓萧蒋叶苏吕卢钟谭陆范贾韦邹龙陶贺顾龚邵万严赖湾运问发货学应",
)


_TRADITIONAL = re.compile("[" + "".join(map(chr, _SIMPLIFIED)) + "]")


def simplified(text: str) -> str:
    """Write a text in simplified characters, as long as it was."""
    return text.translate(_SIMPLIFIED) if _TRADITIONAL.search(text) else text


#: 是一七七开头的那个吗: of a mobile number.
_BEGINS = re.compile("(?<![0-9零一二三四五六七八九幺])[1一幺][3-9三四五六七八九][0-9零一二三四五六七八九幺几]开头")


class Cue(NamedTuple):
    """A word at `text[start:end]` that names a kind of personal data."""

    start: int
    end: int
    kind: PersonalKind


def cues(text: str) -> list[Cue]:
    """Find all words that name a kind, in order; what a label of an earlier masking says does not count."""
    if "[" in text:
        text = _LABEL.sub(lambda label: " " * len(label.group()), text)
    found = [
        Cue(match.start(), match.end(), _KIND_OF[match.group()])
        for match in _CHINESE_CUE.finditer(text)
        if not (match.group().startswith("码") and _OTHER_CODE.search(text, 0, match.start()))
    ]
    if "开头" in text:
        found = sorted([*found, *(Cue(*match.span(), _K.PHONE) for match in _BEGINS.finditer(text))])
    if _ASCII.search(text):
        english = _ENGLISH_CUE.finditer(text.lower())
        found = sorted([*found, *(Cue(match.start(), match.end(), _KIND_OF[match.group()]) for match in english)])
    return found


_CLAUSE = re.compile("[^。！？!?；;\n]+[。！？!?；;\n]?")
_REQUEST = re.compile(
    "报|提供|说[一说下，。！]|您说|说$|讲|念|留|给我|给[一个下他，。！？]|给$|发我|发给我|告诉|登记|核|确认|多少|哪|什么|怎么|贵姓|方便|麻烦|请|仲是|是咪|几多|"
    "要[您你报说提核那这一先]|需要|输|填|读|收着|记得|呢|吗|不$|新的?$|"
    "[？?]|may i|can i|could|please|what|tell|need|your|have"
)
#: 千万别报验证码 asks for nothing.
_REFUSED = re.compile(
    "别报|不要报|不用报|不用给|别给|千万别|不能给|不要给|不要告诉|别告诉|勿|没有收到|不会(?:问|要)|do not|don't|never"
)
#: 号码 alone may be of anything: a mobile number is known by its form.
_VAGUE = frozenset({"号码", "number is"})
#: 尺码到了 and 条码念一下 speak of no code that proves who somebody is.
_OTHER_CODE = re.compile("[维二条尺号优惠邀请编页密扫价底数代货机色]$")
#: 手机上点一下 asks for no number.
_DEVICE = re.compile("手机[上里点端屏壳版膜打]")
#: 订单上的手机号 asks for no order.
_OF = re.compile("[^，,、；和跟或还及与或]{0,4}")
#: 单子上的收货人 asks for no order, 账号要跟老单一样 for no account.
_ON = re.compile("上的")
_SAME = re.compile("一样|一模一样|一个样|一致|相同|同一|[别不]变|别动")
#: 手机后四位 asks for no number that leads to anybody.
_TAIL = re.compile("尾号|末尾|尾巴|尾四|后四|后三位|末四位|末了[四几]位|最后[四几]位|尾數|last four")


def asks_for_tail(text: str) -> bool:
    """Tell whether an utterance asks for the last places of a number only."""
    return _TAIL.search(text) is not None


def asked_for(text: str, found: list[Cue]) -> tuple[PersonalKind, ...]:
    """Tell what kinds of personal data an utterance asks for, in the order of the words that were found in it."""
    return tuple(dict.fromkeys(_asked_for(text, found))) if found else ()


def _asked_for(text: str, found: list[Cue]) -> Iterator[PersonalKind]:
    for clause in _CLAUSE.finditer(text):
        words = clause.group().lower()
        inside = [cue for cue in found if clause.start() <= cue.start < clause.end()]
        if not inside or _REFUSED.search(words) or not (_REQUEST.search(words) or len(words) <= _SHORT):
            continue
        for cue, following in zip(inside, [*inside[1:], None], strict=True):
            whose = cue.kind is _K.ORDER and following is not None and following.kind is _K.PHONE
            if whose and following and _OF.fullmatch(text, cue.end, following.start):
                continue
            if cue.kind is _K.ORDER and _ON.match(text, cue.end) and following is not None:
                continue
            if cue.kind in (_K.ACCOUNT, _K.BANK_CARD) and _SAME.search(words, cue.end - clause.start()):
                continue
            if cue.kind is _K.ACCOUNT and text.startswith("安全", cue.end):
                continue
            if cue.kind is _K.PHONE and (text[cue.start : cue.end] in _VAGUE or _DEVICE.match(text, cue.start)):
                continue
            yield cue.kind
