"""Find names and birthdays of customers: by what announces them, by what was asked, beside other personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qareport.model import PersonalKind
from qareport.privacy.stretch import Found, Stretch

_K = PersonalKind
_COMPOUND = "欧阳|诸葛|上官|司马|司徒|皇甫|令狐|夏侯|东方|尉迟|公孙|慕容|长孙|宇文|端木|轩辕|南宫|独孤"
_SURNAME = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾萧肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石"
    "廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟"
    "殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆"
    "农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁荣巫寇桑郎甄丛仲虞敖巩明"
    "佘池查麻苑迟邝骆尧晁薄裘"
)
_HAN = "\u4e00-\u9fff"
#: Characters that begin the next words, or never stand in a name.
_NOT_GIVEN = (
    "的了是我你您他她它们这那哪在有没不就也都还又吗呢吧啊嗯呃哦哈呀嘛么什啥谁怎几个件单号码给要说买退换发货到从去来过想问看改写填用"
    "对错好行被把让跟和与或但因所以及着之其很太再才只能会可先后前上下里外呐呗喂请打寄收送拿放"
)
#: Words of everyday talk that begin like names.
_WORD = re.compile(
    "周[一二三四五六日末天内边]|方便|方式|方法|安全|安装|高兴|时间|任何|于是|应该|关系|关于|马上|金额|包裹|包装|单号|单子|和平|万一|成都|成功|"
    "常州|温州|江苏|江西|安徽|湖南|广|华为|小米|文件|文字|商家|商品|连衣|全部|全是|全新|查询|解决|明天|明白|路上|古镇|车子|师傅|时候|"
    "阳台|阳光|米白|米色|蓝色|白色|黄色|黑色|金色|武汉|武昌|宁波|宁夏|石家|海|石材|龙头|马桶|马路|高速|高级|左右|左边|房子|房间|管理|管家|"
    "管子|毛病|毛衣|白天|白跑|白条|牛奶|水|向日|项目|简单|简直|易碎|尚未|同|申请|申通|顺丰|纪念|景区|党员|荣耀|花|苹果|苏州|苏宁|京东|"
    "天猫|许多|江南|夏天|冬天|秋天|春|季度|边上|边框|边角|童装|童鞋|司机|查到|查过|查件|程序|章|沙发|桑拿|麻烦|麻辣|明明|师父|车间|车衣|包邮|"
    "包运|解释|解绑|解冻|何时|何况|付款|付钱|付了|付过|段时|路费|游戏|严重|康复|温度|费用|冷静|冷藏|"
    "谢谢|席梦|全名|全款|全额|全程|荣幸|辛苦|付完|寇|明细|池子|迟到|迟迟|薄款|薄|应付|连接|连锁|党|全国|全家|商店|商城|客服|时装|时尚|成人|单位|单价|单独|柴油|路由|"
    "金融|金条|金卡|白金|银|钟头|钱包|钱款|万能|高铁|高档|高低|高跟|安排|安抚|安心|石头|龙虾|文具|平台|经理|小姐|先生|女士|老板|美女|亲|同学"
)
_MAY_ANNOUNCE = re.compile("[叫名]|我是|本人|[货件系卡车机住诊保]人|乘客|旅客|的人|收[件货]的|抬头|[户机车业房]主")
_ANNOUNCERS = re.compile(
    "我(?:的)?(?:名字|姓名)?(?:就叫|叫做|叫|是)|我?本人(?:是|叫)?|(?:姓名|名字|收件人|收货人|收件的人|收件的|收货的|联系人|寄件人|乘[车机]人|乘客|旅客|入住人|就诊人|投保人|户名|[户机车业房]主|持卡人)"
    "(?:名字|姓名|名)?(?:还是|就是|是|叫|写的是|写的|写成|写|改成|填的|用|：|:|，|,| )*"
    "|抬头[^，,。\n]{0,4}个人[，,]?|(?<=[，。,])叫"
)
#: 我同事李建国代收: somebody else's name, whose part in the matter follows.
_RELATED = re.compile(
    "我(?:的|们)?(?:同事|老公|老婆|爱人|丈夫|妻子|先生|太太|妈妈?|爸爸?|父亲|母亲|儿子|女儿|弟弟?|哥哥?|姐姐?|妹妹?|朋友|室友|舍友|邻居|同学"
    "|对象|女朋友|男朋友|公公|婆婆|岳父|岳母|爷爷|奶奶)(?:叫|名叫|，叫)?"
)
#: 写我妈孔令仪
_WRITTEN_OF = re.compile(f"写(?:的|上)?(?:{_RELATED.pattern})[，,]?")
#: 写我爱人，韩小红
_RELATED_ANSWER = re.compile(f"[写填用是就]*(?:{_RELATED.pattern})[，,]?")
_HIS_PART = re.compile(
    "(?:帮[我忙])?(?:代收|签收|代签|代领|代取|收(?![到了入])|来取|去取|领的?)|的?(?:电话|手机|号码)|[，,](?:他|她)的?(?:电话|手机|号)"
)
#: 你就写孔令仪收
_WRITTEN = re.compile("(?<!手)写(?:上|的)?(?=[\u4e00-\u9fff]{2,4}收(?![到了入货件据条]))")
#: 我姓张, 免贵姓张, 姓欧阳
_SURNAMED = re.compile(
    f"(?:我姓|免贵姓|免贵，姓|我就姓|(?:^|[，,。\n])姓)(?P<name>{_COMPOUND}|[{_SURNAME}])"
    "(?=[，,。！？!?吧 \n]|$|单名|叫|名)",
    re.MULTILINE,
)
_SINGLE = re.compile(f"(?P<name>{_COMPOUND}|[{_SURNAME}])(?=[，,。\n]|$)")
#: 叫我小韩就行
_CALLED = re.compile(f"叫我(?P<name>[小老][{_SURNAME}])(?=就|吧|[，,。\n]|$)")
#: Surnames that also agree.
_YES = frozenset("成金时查边单连车")
_ENGLISH_NAME = r"[A-Z][a-z]+(?:[ -][A-Z][a-z]+){0,2}"
_ENGLISH = re.compile(
    rf"(?:[Mm]y name(?: is|'s)|[Nn]ame is|[Tt]his is|I am called|[Tt]he name(?: is|'s))\s+(?P<name>{_ENGLISH_NAME})"
    rf"(?! (?:about|regarding|the|a|customer|support|speaking))"
)
_ENGLISH_ANSWER = re.compile(
    r"(?:^|[\s,])(?:It's |it's |it is |Yes, |Sure, |I'm )*(?P<name>[A-Z][a-z]+ [A-Z][a-z]+)(?=[,.\s]|$)"
)
_LEAD = re.compile("[嗯呃啊哦喂好对是的就叫我，,。 那个]*")
#: What may stand between a name and the number or address that goes with it.
_BESIDE = re.compile("[，,、。 ]{0,2}")
_CLAUSE = re.compile(
    f"(?:^|(?<=[，,、。\n ]))(?:{_COMPOUND}|[{_SURNAME}])[{_HAN}]{{1,2}}(?=[，,、。\n ]|$)", re.MULTILINE
)


def _name_at(text: str, start: int) -> int | None:
    """Return where the name that begins at a position ends; None: none begins there."""
    if _WORD.match(text, start):
        return None
    compound = re.compile(_COMPOUND).match(text, start)
    if compound is None and text[start : start + 1] not in _SURNAMES:
        return None
    at = first = compound.end() if compound else start + 1
    if _TITLE.match(text, at):
        return None
    while at < len(text) and at - first < 2 and _IS_HAN.match(text[at]) and text[at] not in _NOT_GIVEN_SET:
        at += 1
    return (
        at if at > first and text[at - 1] not in "区县市省镇" and text[at : at + 1] not in tuple("区县市省镇") else None
    )


_SURNAMES = frozenset(_SURNAME)
_NOT_GIVEN_SET = frozenset(_NOT_GIVEN)
_TITLE = re.compile("先生|女士|小姐|经理|老师|师傅|总|哥|姐|老板|主任")
_IS_HAN = re.compile(f"[{_HAN}]")


def find_names(stretch: Stretch, beside: Sequence[Found] = ()) -> Iterator[Found]:
    """Find names of customers; an agent's own is left.

    Args:
        stretch: what was said.
        beside: what was found before: a name alone beside a number or address belongs to it.
    """
    text = stretch.text
    for match in _ANNOUNCERS.finditer(text) if _MAY_ANNOUNCE.search(text) else ():
        own = match.group().startswith(("我", "本人")) or match.group() == "叫"
        if own and stretch.agent:
            continue
        end = _name_at(text, match.end())
        if end is None or text.startswith("的人", end):
            continue
        # 我是王老师 or 我是金牌会员 may be anything; a pause must follow.
        pausing = not re.match(f"[{_HAN}A-Za-z0-9]", text[end : end + 1])
        if match.group().endswith(("是", "本人")) and own and not pausing:
            continue
        yield match.end(), end, _K.NAME
    for match in _RELATED.finditer(text) if "我" in text and not stretch.agent else ():
        end = _name_at(text, match.end())
        if end is not None and _HIS_PART.match(text, end):
            yield match.end(), end, _K.NAME
    yield from ((*match.span("name"), _K.NAME) for match in _CALLED.finditer(text) if not stretch.agent)
    for match in (*_WRITTEN.finditer(text), *_WRITTEN_OF.finditer(text)) if "写" in text else ():
        end = _name_at(text, match.end())
        if end is not None and text[end : end + 1] in ("收", *"，,。！ \n", ""):
            yield match.end(), end, _K.NAME
    if "姓" in text and not stretch.agent:
        yield from _surnames(text)
    if stretch.asked(_K.NAME):
        yield from _answers(stretch)
    if beside:
        yield from _beside(text, beside)
    if not stretch.agent and ("ame" in text or "his is" in text):
        yield from ((*match.span("name"), _K.NAME) for match in _ENGLISH.finditer(text))


def _surnames(text: str) -> Iterator[Found]:
    for match in _SURNAMED.finditer(text):
        yield match.start("name"), match.end("name"), _K.NAME
        again = text.find(match["name"], match.end("name"), match.end("name") + 6)
        end = _name_at(text, again) if again >= 0 else None
        if end is not None and text[end : end + 1] in "，,。！ \n":
            yield again, end, _K.NAME
    for match in re.finditer(f"姓(?P<name>[{_SURNAME}])，(?P<full>(?P=name)[{_HAN}]{{1,2}})(?=[，,。 \n]|$)", text):
        yield match.start("full"), match.end("full"), _K.NAME


def _answers(stretch: Stretch) -> Iterator[Found]:
    text = stretch.text
    for line, after in zip(stretch.lines, [*stretch.lines[1:], None], strict=True):
        if _K.NAME not in line.asked:
            continue
        end_of_line = after.start - 1 if after else len(text)
        lead = _LEAD.match(text, line.start, end_of_line)
        start = lead.end() if lead else line.start
        related = _RELATED_ANSWER.match(text, start, end_of_line)
        start = related.end() if related else start
        end = _name_at(text, start)
        if end is not None and (end >= end_of_line or text[end] in "，,。、 ！!"):
            yield start, end, _K.NAME
        elif (single := _SINGLE.match(text, start)) and single["name"] not in _YES:
            yield *single.span("name"), _K.NAME
        for match in _ENGLISH_ANSWER.finditer(text, line.start, end_of_line):
            yield *match.span("name"), _K.NAME


def _beside(text: str, beside: Sequence[Found]) -> Iterator[Found]:
    sure = {_K.PHONE, _K.ID_CARD, _K.ADDRESS, _K.BANK_CARD}
    starts = {start for start, _, kind in beside if kind in sure}
    ends = {end for _, end, kind in beside if kind in sure}
    if not starts:
        return
    for match in _CLAUSE.finditer(text):
        name_end = _name_at(text, match.start())
        gap = _BESIDE.match(text, match.end())
        back = len(text[: match.start()].rstrip("，,、。 "))
        next_to = (gap and gap.end() in starts) or (back in ends and match.start() - back <= 2)
        if name_end == match.end() and next_to:
            yield match.start(), match.end(), _K.NAME


_NUMBER = "[0-9零〇一二三四五六七八九十廿初幺]"
_DAY = rf"(?:{_NUMBER}{{1,3}}|[正冬腊])月的?{_NUMBER}{{1,3}}[日号]?"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = (
    rf"(?:(?:{_NUMBER}{{2,4}}年的?)(?:农历|阴历|阳历)?{_DAY}|{_DAY}|(?:19|20)\d\d[-/.]\d{{1,2}}[-/.]\d{{1,2}}"
    rf"|(?:{_MONTHS})\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTHS})(?:,?\s+\d{{4}})?)"
)
_BORN = re.compile(
    "(?:生日|出生日期|出生年月|出生|生辰|birthday|date of birth|[Bb]orn)"
    rf"(?:应该|是|在|于|为|：|:|,|，|\s|is|on|the|农历|阴历|阳历|就)*(?P<date>{_DATE})"
)
_BORN_AFTER = re.compile(rf"(?P<date>{_DATE})(?:的生日|生日|出生|生的|生人|过生日)")
#: 我七九年三月初五的: so long ago somebody was born, and nothing bought.
_BORN_IN = re.compile(
    rf"[我他她][\u4e00-\u9fff]{{0,3}}?是?(?P<date>(?:19|一九)?[4-9四五六七八九]{_NUMBER}年的?{_DAY})(?:的|生)?(?=[，,。！!？?\n]|$)"
)
#: 一九七七，十，初三
_BARE_DATE = (
    rf"(?:19|20|一九|二零|二〇|两零){_NUMBER}{{2}}[年，,、. -]*{_NUMBER}{{1,3}}[月，,、. -]*{_NUMBER}{{1,3}}[日号]?"
)
_ANY_DATE = re.compile(f"{_DATE}|{_BARE_DATE}")


def find_birthdays(stretch: Stretch) -> Iterator[Found]:
    """Find dates that are called a birthday, or answer a question for one; a day without its month stays."""
    text = stretch.text
    if "生" in text or "orn" in text or "birth" in text:
        for pattern in (_BORN, _BORN_AFTER):
            yield from ((*match.span("date"), _K.BIRTHDAY) for match in pattern.finditer(text))
    if "年" in text and not stretch.agent:
        yield from ((*match.span("date"), _K.BIRTHDAY) for match in _BORN_IN.finditer(text))
    if stretch.asked(_K.BIRTHDAY):
        for match in _ANY_DATE.finditer(text):
            if _K.BIRTHDAY in stretch.line(match.start()).asked:
                yield match.start(), match.end(), _K.BIRTHDAY
