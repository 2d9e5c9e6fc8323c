"""Find what people are reached or known by besides numbers: e-mail, accounts, documents, pick-up codes, plates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qareport.model import PersonalKind
from qareport.privacy.stretch import Found, Stretch

_K = PersonalKind
_DIGIT = "0-9０-９零〇一二两三四五六七八九幺洞拐勾"
_DOT = r"(?:[.．](?=[A-Za-z0-9])|[ ，,]*(?:点|dot(?![a-z]))[ ，,]*|[ ，,]?[.．。][ ，,]?(?=com|cn|net|org))"
_AT = r"[\s，,]*(?:[@＠]|艾特|爱特|圈[aA]|小老鼠|\bat\b)[\s，,]*"
_LETTER = f"[A-Za-z{_DIGIT}]"
#: A pause joins only what is spelled letter by letter; "send it to john" is not one mailbox.
_JOINER = (
    r"(?:[._%+-]|[ ，,]{0,2}(?:下划线|杠|点|dot|underscore|dash)[ ，,]{0,2}"
    rf"|[ ，,]{{1,2}}(?={_LETTER}(?![A-Za-z]))|(?<=(?<![A-Za-z])[A-Za-z0-9])[ ，,]{{1,2}})"
)
_MAILBOX = re.compile(rf"(?<![A-Za-z0-9'’@＠]){_LETTER}(?:{_JOINER}?{_LETTER}){{0,40}}(?={_AT})", re.IGNORECASE)
_HOST = re.compile(
    rf"{_AT}(?:[A-Za-z{_DIGIT}-]+|新浪|网易|搜狐|雅虎|谷歌)(?:[\s，,][0-9])*"
    rf"(?:{_DOT}(?:[a-z][a-z0-9-]*|康姆|抗姆)){{1,4}}",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    "(?:com|cn|net|org|edu|gov|io|me|hk|co|uk|info|example|康姆|抗姆|"
    "(?:edu|com|org|gov|co)[ .]*(?:dot|点)?[ ]*[a-z]{2})$",
    re.IGNORECASE,
)
_SERVICE = "qq|163|126|139|189|vip|sina|sohu|foxmail|gmail|outlook|hotmail|icloud|yahoo|新浪|网易|搜狐|雅虎|谷歌"
#: In writing a name that follows the sign is somebody who is called, 屏幕碎了@某某客服, unless it is a mail service's.
_AT_ALONE = re.compile(
    r"(?:(?<!\s)[@＠]|\s+[@＠](?!\S))"
    rf"(?:(?=\s*(?:{_SERVICE}))|(?!\s*(?:[A-Za-z0-9_.-]*[\u4e00-\u9fff]|[@＠])))"
    r"|[\s，,]*(?:艾特|爱特|圈[aA]|小老鼠)",
    re.IGNORECASE,
)
_HAS_AT = re.compile(r"[@＠]|艾特|爱特|圈[aA]|小老鼠|\bat\b", re.IGNORECASE)


#: q，i，n，下划线: letters, spelled one by one.
_SPELLED = re.compile(
    r"(?<![A-Za-z])[A-Za-z](?:[，, ]{1,2}(?:[A-Za-z](?![A-Za-z])|[0-9]|下划线|横杠|杠|点)){2,30}(?![A-Za-z])"
    # 大写的H小写的m三三零一
    rf"|(?:[大小]写的?[A-Za-z](?![A-Za-z])[，, ]{{0,2}})+(?:(?:[A-Za-z](?![A-Za-z])|[{_DIGIT}])[，, ]{{0,2}}){{2,20}}"
)


def find_spelled(stretch: Stretch) -> Iterator[Found]:
    """Find letters that are spelled out where an e-mail address or an account was asked for."""
    for kind in (_K.EMAIL, _K.ACCOUNT):
        if stretch.letters and stretch.asked(kind):
            for match in _SPELLED.finditer(stretch.text):
                if kind in stretch.line(match.start()).asked:
                    yield match.start(), match.end(), kind


def find_mails(text: str) -> Iterator[Found]:
    """Find e-mail addresses, written or spoken, and what precedes the at sign where the rest is not said."""
    if not _HAS_AT.search(text):
        return
    for match in _MAILBOX.finditer(text):
        host = _HOST.match(text, match.end())
        # "not at all. Have" is no address: the last word after a spoken at must be one of the usual.
        if host and "@" not in host.group() and "＠" not in host.group() and not _DOMAIN.search(host.group()):
            host = None
        alone = _AT_ALONE.match(text, match.end()) if match.end() - match.start() >= 3 else None
        if host or alone:
            yield match.start(), (host or alone or match).end(), _K.EMAIL


#: GA 36-2018: province, office, five places, six for new-energy vehicles; I and O are not used.
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PLATE = re.compile(
    rf"(?:[{_PROVINCES}]牌?|(?:浙江|广东|江苏|上海|北京|天津|重庆|山东|河南|河北|四川|湖南|湖北|福建|安徽)的)\s?[A-HJ-NP-Z][\s·，,、.-]{{0,2}}"
    r"(?=(?:[\s，,、-]*[A-Z]){0,3}[\s，,、-]*[0-9零〇一二两三四五六七八九幺洞拐勾])"
    r"(?:[A-HJ-NP-Z0-9零〇一二两三四五六七八九幺洞拐勾][\s，,、-]{0,2}){4,5}[A-HJ-NP-Z0-9零〇一二两三四五六七八九幺洞拐勾挂学警港澳]?"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
#: Passports E12345678 and EA1234567, permits C12345678, H1234567890, officers' cards 军字第1234567号.
_DOCUMENT = re.compile(
    rf"(?:[A-Za-z][ ，,]?){{1,2}}[{_DIGIT}](?:[ ，,]?[{_DIGIT}]){{6,9}}(?![{_DIGIT}A-Za-z])"
    rf"|(?<![{_DIGIT}A-Za-z])[{_DIGIT}](?:[ ，,]?[{_DIGIT}]){{7,8}}(?![{_DIGIT}])"
)
_OFFICER = re.compile(rf"[军南北沈兰成济广参政后装海空士武警]字?第[{_DIGIT}]{{5,9}}号?")
_DOCUMENT_WITHIN, _LONG_DOCUMENT = 16, 28
#: A password or a code of letters and digits: 密码是abc12345, 兑换码KJ7Q-88PW.
_SECRET = re.compile(
    r"(?:就?是|叫|为|：|:|was|is|，|,| )*"
    r"(?P<id>(?=[A-Za-z0-9_@#-]*[0-9])(?=[A-Za-z0-9_@#-]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_@#-]{3,20})"
)
#: The three places on the back of a card.
_CARD_CODE = re.compile(
    rf"(?:安全码|(?:背面|卡的?[后反]面)(?:的|那)?(?:末|最后)?(?:三位|三个数)|cvv)(?:\w{{0,2}}是|[\s，,:：])*(?P<id>[{_DIGIT}]{{3}})(?![{_DIGIT}])",
    re.IGNORECASE,
)
#: 按3605井号: what opens a door is ended with that key.
_DOOR_CODE = re.compile(rf"(?<!拨)(?<!打)(?P<id>(?<![{_DIGIT}])[{_DIGIT}]{{4,8}})[，, ]?(?:再?[按加])?井(?:号|字)?键?")
#: A vehicle's identification number has 17 places without I, O and Q.
_VEHICLE = re.compile(r"(?:车架|车辆识别|vin)\D{0,6}(?P<id>[A-HJ-NPR-Z0-9]{17})(?![A-Za-z0-9])", re.IGNORECASE)
#: 七杠二杠三零四四, 6-3-1204: shelf, layer, parcel.
_SHELF = re.compile(
    rf"[{_DIGIT}A-Za-z]{{1,3}}(?P<dash>\s?(?:杠|-|—)\s?)[{_DIGIT}]{{1,3}}\s?(?:杠|-|—)\s?[{_DIGIT}]{{3,5}}"
)
_HOTLINE = re.compile("[48]00|四零零|八零零")
_PICKUP = re.compile("码|驿站|柜|取件|取货|货架|菜鸟")


def find_documents(stretch: Stretch) -> Iterator[Found]:
    """Find plates, papers and pick-up codes."""
    text = stretch.text
    for match in _PLATE.finditer(text) if stretch.letters else ():
        yield match.start(), match.start() + len(match.group().rstrip(" ，,、-")), _K.PLATE
    if "第" in text:
        yield from ((match.start(), match.end(), _K.DOCUMENT) for match in _OFFICER.finditer(text))
    for cue in stretch.cues:
        named = _DOCUMENT.search(text, cue.end, cue.end + _LONG_DOCUMENT) if cue.kind is _K.DOCUMENT else None
        if named and named.start() - cue.end <= _DOCUMENT_WITHIN:
            yield named.start(), named.end(), _K.DOCUMENT
        secret = _SECRET.match(text, cue.end) if cue.kind is _K.CODE and stretch.letters else None
        if secret:
            yield secret.start("id"), secret.end("id"), _K.CODE
    for match in _CARD_CODE.finditer(text):
        yield match.start("id"), match.end("id"), _K.CODE
    for match in _DOOR_CODE.finditer(text) if "井" in text else ():
        yield match.start("id"), match.end("id"), _K.CODE
    for match in _VEHICLE.finditer(text) if stretch.letters else ():
        yield match.start("id"), match.end("id"), _K.DOCUMENT
    if stretch.asked(_K.DOCUMENT):
        for match in _DOCUMENT.finditer(text):
            if _K.DOCUMENT in stretch.line(match.start()).asked:
                yield match.start(), match.end(), _K.DOCUMENT
    for match in _SHELF.finditer(text) if "杠" in text or "-" in text or "—" in text else ():
        near = _PICKUP.search(text, max(0, match.start() - 15), match.start())
        asked = _K.PICKUP_CODE in stretch.line(match.start()).asked
        if not _HOTLINE.match(match.group()) and ("杠" in match["dash"] or asked or near):
            yield match.start(), match.end(), _K.PICKUP_CODE


_LATIN = rf"[A-Za-z](?:[A-Za-z0-9]|[，, ]{{0,2}}(?:_|-|杠|下划线|横杠)[，, ]{{0,2}}){{2,24}}[A-Za-z{_DIGIT}]+"
#: An account is told from a word by a digit or a line in it, from a model by small letters.
_TOKEN = re.compile(
    rf"(?<![A-Za-z0-9@＠.])(?={_LATIN})(?=[A-Za-z]*[a-z])(?=[A-Za-z]*[，, ]{{0,2}}(?:[0-9_-]|杠|下划线|横杠)){_LATIN}"
    r"(?![A-Za-z0-9@＠.])"
)
_WORD = re.compile(
    rf"(?:号|名|账号|id|ID| id)?(?:是|叫|就是|字母|拼音|全拼|小写|大写|:|：| is|,|，| )*(?P<id>{_LATIN})(?![A-Za-z@＠])"
)
_CONTACT = re.compile(
    "微信|威信|薇信|加我|加一下|加吧|加你|加您|扣扣|QQ|qq|旺旺|抖音|小红书|wechat|账号|帐号|vx", re.IGNORECASE
)
_QQ = re.compile(rf"(?:QQ|qq|扣扣)(?:号码|号|群)?(?:是|:|：|，|,| )*(?P<id>[{_DIGIT}](?:[ ，,-]?[{_DIGIT}]){{4,11}})")
#: Names that were made up for an account: whatever stands until the next pause.
_NICK = re.compile(
    "(?:旺旺名?|昵称|微信名|用户名|账户名|会员名|网名|游戏名|账号名|账号|淘宝名)(?:就?是(?!否)|叫做|叫|为|：|:)[，,]?(?P<id>[\\w.-]{2,16}?)"
    "(?=[，,。！？!?\\s]|那个|这个|吧|吗|对|$)"
)
#: 旺旺名小鱼儿爱喝水: without a word between, no talk about the name.
_NICK_SAID = re.compile("旺旺(?:名字?|号码?|ID|id)(?P<id>[\\w.-]{2,16}?)(?=[，,。！？!?\\s]|$)")
#: All that was answered to 旺旺名是什么.
_NICK_ANSWER = re.compile("[嗯呃哦啊，, ]*(?:就?是|叫)?(?P<id>[\\w.-]{2,16})[。，,！!]?(?:\\n|$)")
_TALK = re.compile("[报说讲念写下的了吗呢吧没不忘登改绑查发给换用也都还就是有在那这我你您他什么哪上里好行对可以等怎再]")
_NO_NICK = re.compile(
    "[0-9零一二三四五六七八九幺]*$|什么|啥|多少|我|你|您|他|她|谁|这|那|不|没|被|手机|电话|哪|正常|有|怎么|一个|原来|关联|指"
)


def find_accounts(stretch: Stretch) -> Iterator[Found]:
    """Find accounts of WeChat, QQ, Wangwang and the like."""
    text = stretch.text
    heard = any(line.contact for line in stretch.lines) or stretch.asked(_K.ACCOUNT) or _CONTACT.search(text)
    if not heard:
        return
    for match in _TOKEN.finditer(text) if stretch.letters else ():
        if not _DEVICE.fullmatch(match.group()) and not _OF_DEVICE.match(text, match.end()):
            yield match.start(), match.end(), _K.ACCOUNT
    for match in _QQ.finditer(text):
        yield match.start("id"), match.end("id"), _K.ACCOUNT
    for cue in stretch.cues if stretch.letters else ():
        word = _WORD.match(text, cue.end) if cue.kind is _K.ACCOUNT else None
        plain = word is None or word["id"].isupper() or word["id"].lower() in _ENGLISH
        if word and not plain and not _DEVICE.fullmatch(word["id"]):
            yield word.start("id"), word.end("id"), _K.ACCOUNT
    for match in _NICK.finditer(text):
        if not _NO_NICK.match(match["id"]) and not match["id"].endswith("的"):
            yield match.start("id"), match.end("id"), _K.ACCOUNT
    answers = (_NICK_ANSWER.match(text, line.start) for line in stretch.lines if line.nick and _K.ACCOUNT in line.asked)
    for said in (*_NICK_SAID.finditer(text), *filter(None, answers)):
        if not _NO_NICK.match(said["id"]) and not _TALK.search(said["id"]):
            yield said.start("id"), said.end("id"), _K.ACCOUNT


_ENGLISH = frozenset(
    ("wechat", "weixin", "whatsapp", "account", "number", "instead", "please", "about", "payment", "alipay", "transfer")
)
#: What devices and systems are called looks like an account: iPhone15, win11, Wi-Fi.
_DEVICE = re.compile(
    "(?:iphone|ipad|vivo|oppo|redmi|smartisan|wlan|wi-?fi|ipv|windows|android|http|type-c|(?:micro|nano|mini)-)[a-z0-9]*"
    "|(?:win|ios|mac|mate|nova|note|mi|hdmi|usb|mp|ps|xbox)[0-9]{1,3}(?:pro|max|plus|ultra|[a-z])*",
    re.IGNORECASE,
)
_OF_DEVICE = re.compile(" ?(?:手机|系统|版本|电脑|平板)")

#: A carrier's letters and at least eight digits.
_TRACKING = re.compile(
    rf"(?<![A-Za-z])(?:SF|YT|ZTO?|STO|JD[VX]?|JT|YD|EMS|DPK|HD|KD)[ ，,]?[{_DIGIT}](?:[ ，,]?[{_DIGIT}]){{6,17}}",
    re.IGNORECASE,
)
_OF_PARCEL = re.compile("运单|快递|物流|tracking", re.IGNORECASE)
_LONG = re.compile(rf"[{_DIGIT}](?:[ ，,]?[{_DIGIT}]){{7,19}}")


def find_parcels(text: str) -> Iterator[Found]:
    """Find tracking numbers: by the carrier's letters, or after a word for them."""
    for match in _TRACKING.finditer(text):
        yield match.start(), match.end(), _K.TRACKING
    for word in _OF_PARCEL.finditer(text):
        number = _LONG.search(text, word.end(), word.end() + 30)
        if number and number.start() - word.end() <= 8:
            yield number.start(), number.end(), _K.TRACKING
