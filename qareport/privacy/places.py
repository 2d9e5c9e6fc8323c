"""Find addresses below the district: parts (road, compound, house, room) that follow each other.

One part alone is talk as often as an address ("这条路", "3号"). So a find needs a place and a door, or two doors; fewer
will do where an address was asked for or announced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qareport.model import PersonalKind
from qareport.privacy.stretch import Found, Stretch

_K = PersonalKind
_HAN = "\u4e00-\u9fff"
_DIGIT = "0-9０-９零〇一二两三四五六七八九十百千幺洞拐勾"
_DOOR = re.compile(
    rf"(?:第|附)?(?:[{_DIGIT}]{{1,8}}(?:[-杠][{_DIGIT}]{{1,4}}){{0,2}}[A-Za-z]?|[A-Za-z][{_DIGIT}]{{0,3}}"
    r"|[东西南北中甲乙丙丁](?=[单座楼栋区户门段]))[，,、 \t]?"
    r"(?P<unit>号楼|号院|号门|号弄|号|弄|栋|幢|座|单元|室|楼|层|组|房|门|期|区|户|舍|铺|段|床(?![上被单四棉褥品垫头]))"
)
_PLACE = re.compile(
    "大道|大街|街道|里弄|胡同|小区|花园|公寓|大厦|社区|家园|新村|公馆|广场|中心|国际城|学院|大学|中学|小学|家属院|宿舍|工业园|产业园|科技园|"
    "民宿|写字楼|住院部|底商|供销社|山庄|花城|新城|路(?![径程标况费灯障虎]|由(?![东西南北])|过(?![去了来]))|[街巷苑镇乡村庄屯寨湾城府庭郡坊里道院居园]"
)
_WITH_DOOR = frozenset(("里", "道", "院", "居"))
#: These are places only with a house right behind them, or where an address is expected.
_WEAK = frozenset(
    (
        "里",
        "道",
        "院",
        "城",
        "府",
        "庭",
        "郡",
        "坊",
        "居",
        "湾",
        "园",
        "庄",
        "屯",
        "寨",
        "中心",
        "广场",
        "小学",
        "中学",
        "宿舍",
        "民宿",
    )
)
_ROOM = re.compile(rf"[，,、 \t]{{0,2}}(?:[0-9]{{3,4}}|[{_DIGIT}]{{3,5}})(?![{_DIGIT}元块岁多个件号月年])室?")
#: What a place's name does not reach across.
_BREAK = re.compile(
    "[^\u4e00-\u9fff]|[的了是在到我你您他她它这那给去从把被让叫要说没不吗呢吧啊嗯呃哦哈跟往很还又只各每哪住寄送咱俺跑来回个们几进找条]|都(?!$)|多少|[改换写]成|改为|"
    "(?:省|自治[区州]|(?<![超门城夜])市|(?<!小)(?<!社)(?<!校)(?<!园)(?<!厂)(?<!库)(?<![一二三四五六七八九十东西南北])区|县|旗)"
)
#: Large cities and provinces are named without 市 and 省; 南京路 keeps its name.
_CITY = re.compile(
    "新疆|内蒙古?|北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|郑州|青岛|宁波|厦门|东莞|佛山|合肥|济南|福州|昆明|沈阳|大连|"
    "广东|浙江|江苏|山东|河南|河北|四川|湖南|湖北|福建|安徽|江西|陕西|山西|云南|贵州|广西|海南|甘肃|青海|辽宁|吉林|黑龙江|宁夏|西藏"
)
_REACH = 9
#: What a name is when the city before it is taken away: 南京西路 is one name, 上海南京西路 two.
_REST = 2
_REGION = re.compile(
    "(?:省|自治区|市|区|县|旗|北京|上海|天津|重庆|瑞昌|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|郑州|青岛|宁波|厦门|东莞|佛山|合肥|济南|福州|昆明|沈阳|大连)"
    "[，,、 ]?(?:嗯|呃|那个|就是)?[，,、 ]?$"
)
_NOT_PLACE = re.compile(
    "(?:公里|线|道|下坡|上坡|冤枉|弯|下雪|下雨|下班|上班|什么|走|半|网|思|铁|马|原|后|门|这条|那条|条|出|绕|问|带|短|电|通|顺|套|退|回|上|同|赶|修|小|大|在|高速公|(?:^|[这那我你他她了着过的在就走开等坐])一)路$|"
    "(?:知|渠|频|轨|管|通|报|味|地|力|公|人|打交|头头是|铁|赛|一)道$|(?:心|手|家|店|仓|库|夜|屋|这|那|哪|车|城|乡|村|县|公|英|日|千|柜|盒|箱|袋|包|嘴|"
    "单子|订单|页面|系统|眼|怀|邻|区)里$|(?:商|京东商|网|长|同|进|电|全)城$|(?:医|法|出|入|住|电影|影|学|老|养老)院$|(?:政|天|官|首)府$|(?:家|法|开|出)庭$|"
    "(?:上街|逛街|农村|山村|城乡|老乡|下乡|同乡|街坊|家乡|进村|全村|我们村|冰镇|坐镇|邻居|定居|公园|校园|乐园|果园|校区|茶庄|钱庄|商庄)$|"
    "(?:转运|安全|权限|插件|积分|配送|分拨|集散|客服|服务|售后|物流|快递|营业|分拣|处理|维修|体验|呼叫|数据|个人|会员|帮助|检测|安装|投诉|领券|客户|分装|卡券|订单)中心$|"
    "(?:隔壁|旁边|对面|别的|另外?一?个|其他|你们|他们|人家|一会儿|改|全|整个)小区$|同(?:小区|街道)$|(?:[上下读念考]|老年|垄断)大学$|(?:满|臭)大街$|逛步行街$|骂街$|(?:垄断|旧|老|新|过|有些)小区$|[就有过]街道$|[一几两]间民宿$|得上镇$|家居$"
)
_GAP = re.compile(
    r"[，,、。.… \t\n]{0,3}(?:嗯|呃|啊|那个|就是|靠近|跟|与|和|往[东西南北]|边上那个|旁边|里面|里头|里|的)?"
    r"[，,、 \t\n]{0,2}"
)
_DATEISH = re.compile(
    "[，,]?(?:之?前|以前|以后|之后|发|送|到|下午|上午|早上|早晨|晚上|中午|给|就|才|能|来|再|开始|下的?单|买|那天|签|收|付|订|"
    "打|我|你|您|有|左右|没|还|也|吗|呢|电池|线|的时候|晚|拍|申请|仓|柜|链接|主播|客服|坐席|色|码|款)"
)
#: No day of a month has such a number.
_NO_DAY = re.compile("[百千]|[0-9]{3}")
_THING = re.compile("电池|线|链接|主播|客服|坐席|色|码|款|柜|仓|工单|订单")
#: Units that make an address of a number alone.
_HOUSE = frozenset(("号楼", "号院", "栋", "幢", "单元", "弄", "号弄", "舍"))
#: Where an address is announced: 我住, 寄到, 地址是; it may follow in the next lines too.
_ANNOUNCED = re.compile(
    "地址|住址|门牌|住在|我住|家住|家在|我家|老家|寄到|寄给|送到|送来|送去|送给|发到|改到|换到|派到|搬到|放在|放到|搁在|搁到|存在|收货|"
    "改成|换成|改为|单子上是|单子上写|给送到|送到这|他家|她家|我妈家|阿姨家|是在|我在|我是|我这是|我这儿是|装在|上门|就是.{0,4}(?:市|县|区|省)|家里|门口|"
    "address|ship to|deliver to|live (?:in|at|on)"
)
#: 建设路那家: a shop, not somebody's home.
_SHOP = re.compile(
    "那家|店|那个店|门店|站|网点|(?:营业厅|储蓄所|派出所)(?!楼上|隔壁|对面|旁边|后面)|[支分]行|(?:地铁|公交|车)站"
)
#: 友邦金融中心 is an address only where one was asked for.
_HALL = re.compile("(?:中心|广场)$")
_HOME = re.compile("的?(?:物业|门卫|保安|楼下)")
#: 我们锦水花园, 东湖苑这块: where somebody says to live.
_COMPOUND = re.compile("(?:花园|小区|苑|公寓|家园|新村|公馆|山庄|花城)$")
_OURS = re.compile("(?:我们|咱们?|俺们?|我家)$")
_HERE = re.compile("(?:这|那)(?:一)?(?:块|片|边|儿)")
#: 钱清镇联兴村
_VILLAGE = re.compile("[镇乡].*村$")
#: 柳河镇卫生院隔壁
_BESIDE = re.compile("[\u4e00-\u9fff]{2,8}?(?:隔壁|斜?对面|旁边|边上)")
#: 南岸区回龙路: after a district such a character begins a name.
_AFTER_REGION = re.compile("[区县市旗][回来进跑]")
#: 门牌好像是4178号
_GATE = re.compile("门牌")
#: 桂花路, 海棠湾: what stands alone has a name of at least two characters.
_NAME_LENGTH = 3
_ENGLISH = re.compile(
    r"(?:\b(?:flat|room|apartment|apt|unit|suite|building)\s*\w{1,5}\s*,\s*)?\b\d{1,5}[a-z]?\s+(?:[a-z]+\s+){1,3}"
    r"(?:road|street|avenue|lane|drive|boulevard|rd|st|ave|close|court|square)\b"
    r"(?:,?\s*(?:room|apartment|apt|unit|flat|building|suite)\s*\w+)*",
    re.IGNORECASE,
)
_SPOKEN_NUMBER = "(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]*teen|[a-z]*ty)"
#: tower B, twenty one zero three; room one four zero six
_ROOM_WORD = re.compile("[Tt]ower|[Bb]lock|[Bb]uilding|[Rr]oom|[Ff]lat|[Uu]nit|[Aa]partment|[Ss]uite")
_ROOM_SAID = re.compile(
    rf"(?<![A-Za-z])(?:(?:tower|block|building)\s+(?:[a-z]|\d+|{_SPOKEN_NUMBER})\b[,\s]+(?:(?:room|flat|unit|apartment)\s+)?"
    rf"(?:\d{{2,5}}|{_SPOKEN_NUMBER}(?:[\s-]+{_SPOKEN_NUMBER})+)"
    rf"|(?:room|flat|unit|apartment|suite)\s+(?:\d{{2,5}}|{_SPOKEN_NUMBER}(?:[\s-]+{_SPOKEN_NUMBER})+))\b",
    re.IGNORECASE,
)
_ASCII_WORD = re.compile(r"\d[a-z]?\s+[A-Za-z]{3}", re.IGNORECASE)
_WITHIN = 40


class _Part(NamedTuple):
    start: int
    end: int
    #: The unit of a door; empty: the name of a place.
    unit: str
    weak: bool


def find_addresses(stretch: Stretch) -> Iterator[Found]:
    """Find addresses; province, city and district before them are left."""
    text = stretch.text
    parts = _parts(text)
    announced = [match.end() for match in _ANNOUNCED.finditer(text)] if parts else []
    for chain in _chains(text, parts):
        start, end = chain[0].start, chain[-1].end
        room = (
            _ROOM.match(text, end)
            if chain[-1].unit in ("号楼", "栋", "幢", "单元", "座", "号", "楼", "弄", "舍", "")
            else None
        )
        if room and not _comma(text, end) and (not chain[-1].unit or (chain[-1].unit == "号" and len(chain) == 1)):
            room = None
        near = any(0 <= start - place <= _WITHIN for place in announced)
        line = stretch.line(start)
        open_ = near or line.address or _K.ADDRESS in line.asked
        beside = _BESIDE.match(text, end) if _after_region(text, start) and not chain[-1].unit else None
        if beside:
            yield start, beside.end(), _K.ADDRESS
        elif _is_address(text, chain, room is not None, open_=open_, asked=_K.ADDRESS in line.asked):
            yield start, room.end() if room else end, _K.ADDRESS
    yield from _rooms(stretch)
    if _ASCII_WORD.search(text):
        yield from ((match.start(), match.end(), _K.ADDRESS) for match in _ENGLISH.finditer(text))
    if stretch.letters and _ROOM_WORD.search(text):
        yield from ((match.start(), match.end(), _K.ADDRESS) for match in _ROOM_SAID.finditer(text))


#: 几零几 / 嗯，四零二吧
_ROOM_ASKED = re.compile(
    rf"[嗯呃哦啊对，, ]*(?:是|就是)?(?P<room>[0-9]{{3,4}}|[{_DIGIT}]{{3,5}})(?:吧|呢|室)?[，。,. ]*(?:\n|$)"
)


def _rooms(stretch: Stretch) -> Iterator[Found]:
    """Find a number of three or four places that is all the answer to a question for an address, asked last."""
    for line in stretch.lines:
        if line.asked[:1] == (_K.ADDRESS,) and (room := _ROOM_ASKED.match(stretch.text, line.start)):
            yield *room.span("room"), _K.ADDRESS


def _comma(text: str, at: int) -> bool:
    return text[at : at + 1] in "，, "


def _is_address(text: str, chain: Sequence[_Part], room: bool, *, open_: bool, asked: bool) -> bool:
    doors = [part for part in chain if part.unit]
    places = [part for part in chain if not part.unit]
    firm = [part for part in places if not part.weak]
    houses = [part for part in doors if part.unit in _HOUSE]
    if (firm and doors) or (houses and (places or room or len(doors) > 1)):
        return True
    if open_:
        named = [part for part in places if part.end - part.start >= _NAME_LENGTH]
        if not places and text[chain[0].start] == "附":
            return True
        if not places and _GATE.search(text, max(0, chain[0].start - 8), chain[0].start):
            return True
        if len(places) == 1 and not doors and _SHOP.match(text, chain[-1].end):
            return False
        sole = bool(named) and (
            not named[0].weak
            or (
                _ends(text, chain)
                and (asked or not _HALL.search(text[: named[0].end]) or _after_region(text, chain[0].start))
            )
        )
        return bool(
            any(part.unit != "弄" for part in houses)
            or sole
            or (places and (doors or len(places) > 1))
            or (doors and room and not places)
        )
    if firm and (_HOME.match(text, chain[-1].end) or _lives(text, chain)):
        return True
    return len(places) > 1 and bool(firm) and _after_region(text, chain[0].start)


def _after_region(text: str, at: int) -> bool:
    return _REGION.search(text, max(0, at - 10), at) is not None


def _lives(text: str, chain: Sequence[_Part]) -> bool:
    """Tell whether a place is a village with its town, or a compound that the speaker calls theirs."""
    start, end = chain[0].start, chain[-1].end
    name = text[start:end]
    if _VILLAGE.search(name):
        return True
    theirs = _OURS.search(text, max(0, start - 3), start) or _HERE.match(text, end)
    return len(name) >= _NAME_LENGTH and theirs is not None and _COMPOUND.search(name) is not None


def _ends(text: str, chain: Sequence[_Part]) -> bool:
    """Tell whether a pause follows: 我住翠屏国际城，"""
    return text[chain[-1].end : chain[-1].end + 1] in "，,。！!\n那边" and chain[-1].end - chain[-1].start >= 4


def _parts(text: str) -> list[_Part]:
    doors = [
        _Part(match.start(), match.end(), match["unit"], False)
        for match in _DOOR.finditer(text)
        if _is_door(text, match)
    ]
    taken = {at for door in doors for at in range(door.start, door.end)}
    door_at = {door.start: door for door in doors}
    parts, floor = [*doors], 0
    for match in _PLACE.finditer(text):
        suffix = match.group()
        start = _name_start(text, match.start(), floor, taken)
        if match.start() in taken or (match.start() - start < 1 + (suffix in _WEAK) and match.start() != floor):
            continue
        if _NOT_PLACE.search(text[max(0, start - 2) : match.end()]):
            continue
        door = door_at.get(match.end())
        if suffix in _WITH_DOOR and (door is None or (suffix == "里" and door.unit not in (*_HOUSE, "号"))):
            continue
        parts.append(_Part(start, match.end(), "", suffix in _WEAK and door is None))
        floor = match.end()
    return sorted(parts)


def _is_door(text: str, match: re.Match[str]) -> bool:
    """Tell a door from a day of the month, a count, a battery."""
    unit = match["unit"]
    if unit == "舍" and text.startswith("五入", match.end()):
        return False
    if unit == "号" and text[match.start() - 1 : match.start()] in tuple("路街巷道弄"):
        return True
    if unit == "号" and _NO_DAY.search(match.group()):
        return _THING.match(text, match.end()) is None
    if unit == "号":
        return _DATEISH.match(text, match.end()) is None and text[match.start() - 1 : match.start()] not in ("月", "工")
    if (
        unit == "区"
        and match.group().startswith("中")
        and re.match(f"[{_HAN}]", text[match.start() - 1 : match.start()])
    ):
        return False  # 吴中区 is a district
    if unit in ("门", "房", "区", "户", "组", "期", "铺", "层", "楼", "室", "舍"):
        return text[match.end() : match.end() + 1] not in ("间", "间", "别", "型", "免", "付", "分")
    return True


def _name_start(text: str, at: int, floor: int, taken: set[int]) -> int:
    """Find where the name before a word like 路 begins."""
    first = max(floor, at - _REACH)
    start = at
    while start > first and (start - 1) not in taken and "\u4e00" <= text[start - 1] <= "\u9fff":
        start -= 1
    last = None
    for match in _BREAK.finditer(text, start, at):
        last = match
    start = max(start, last.end()) if last else start
    if last and last.end() < at and _AFTER_REGION.match(text, last.end() - 2):
        start = last.end() - 1
    while (city := _CITY.match(text, start, at)) and at - city.end() >= _REST:
        start = city.end()
    return start


def _chains(text: str, parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    chain: list[_Part] = []
    for part in parts:
        if chain and part.start >= chain[-1].end and _GAP.fullmatch(text, chain[-1].end, part.start):
            chain.append(part)
        elif chain and part.start < chain[-1].end:
            continue
        else:
            if chain:
                yield chain
            chain = [part]
    if chain:
        yield chain
