"""Personal data out of thin air, written and spoken the way people do, another way in each split."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_PLAIN = str.maketrans("0123456789", "零一二三四五六七八九")
_YAO = str.maketrans("0123456789", "零幺二三四五六七八九")
_ENGLISH = dict(enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]))


def _digits(random: Random, count: int) -> str:
    return "".join(random.choice("0123456789") for _ in range(count))


def _luhn_complete(start: str) -> str:
    for last in "0123456789":
        digits = [int(digit) for digit in reversed(start + last)]
        if sum(d if i % 2 == 0 else sum(divmod(d * 2, 10)) for i, d in enumerate(digits)) % 10 == 0:
            return start + last
    raise AssertionError("one of ten check digits fits")


def _grouped(value: str, sizes: tuple[int, ...], pause: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(value[at : at + size])
        at += size
    parts.append(value[at:])
    return pause.join(part for part in parts if part)


def _said(random: Random, value: str, *, held_out: bool) -> str:
    if not held_out:
        return random.choice(
            [
                value,
                value.translate(_PLAIN),
                value.translate(_YAO),
                _grouped(value.translate(_YAO), (3, 4), "，"),
                _grouped(value, (3, 4), "-"),
            ]
        )
    english = " ".join(_ENGLISH[int(digit)] for digit in value)
    return random.choice(
        [
            _grouped(value, (3, 3, 3), " "),
            _grouped(value.translate(_YAO), (4, 4), "，嗯，"),
            _grouped(value.translate(_PLAIN), (2, 3, 4), "……那个，"),
            _grouped(value.translate(_YAO), (5,), "呃"),
            value.translate(_YAO).replace("二二", "两两"),
            english,
        ]
    )


def phone(random: Random, *, held_out: bool) -> str:
    """Make a mobile number, in the held-out split sometimes a landline."""
    if held_out and random.random() < 0.2:
        return _grouped((random.choice(["021", "010", "0571"]) + _digits(random, 8)).translate(_YAO), (4,), "，")
    return _said(random, "1" + random.choice("3456789") + _digits(random, 9), held_out=held_out)


def id_card(random: Random, *, held_out: bool) -> str:
    """Make an identity number of 18 places."""
    birth = f"{random.randint(1955, 2006)}{random.randint(1, 12):02}{random.randint(1, 28):02}"
    value = random.choice(["330106", "110105", "440304", "510107"]) + birth + _digits(random, 3)
    last = random.choice("0123456789X")
    said = _said(random, value, held_out=held_out)
    if said.startswith(tuple(_ENGLISH.values())):
        return f"{said} {'x' if last == 'X' else _ENGLISH[int(last)]}"
    return said + (random.choice(["叉", "艾克斯"]) if last == "X" and "零" in said else last)


def bank_card(random: Random, *, held_out: bool) -> str:
    """Make a card number of 16 or 19 places with its check digit."""
    start = random.choice(["622202", "621700", "436742"]) + _digits(random, random.choice([9, 12]))
    return _said(random, _luhn_complete(start), held_out=held_out)


def email(random: Random, *, held_out: bool) -> str:
    """Make an e-mail address."""
    name = random.choice(["xiaoming", "lily.wang", "zhang_san"]) + _digits(random, 2)
    if not held_out:
        return random.choice([f"{name}@163.com", f"{_digits(random, 9)}@qq.com", f"{name}艾特qq点com"])
    return random.choice(
        [
            f"{name} at gmail dot com",
            f"{_digits(random, 9).translate(_YAO)}艾特幺二六点com",
            f"{name.upper()}@company.com.cn",
            f"{_digits(random, 8).translate(_PLAIN)}圈a qq点com",
        ]
    )


def address(random: Random, *, held_out: bool) -> str:
    """Make a postal address down to the room."""
    number, room = random.randint(1, 1999), random.randint(1, 30) * 100 + random.randint(1, 9)
    if not held_out:
        return random.choice(
            [
                f"浙江省杭州市余杭区文一西路{number}号3幢{room}室",
                f"上海市浦东新区张江路{number}号",
                f"北京市朝阳区建国路{number}号院2号楼{room}",
            ]
        )
    spoken = str(room).translate(_PLAIN)
    return random.choice(
        [
            f"广东省深圳市南山区科苑南路{number}号金桂公寓七栋{spoken}",
            f"成都武侯区天府大道{number}号二单元{spoken}室",
            f"苏州市姑苏区人民路{number}弄{room % 90 + 1}号",
            f"翡翠花园十二栋一单元{spoken}",
        ]
    )


def plate(random: Random, *, held_out: bool) -> str:
    """Make a licence plate, in the held-out split also of a new-energy vehicle."""
    if not held_out:
        value = random.choice("京沪浙") + random.choice("ABC") + _digits(random, 5)
        return random.choice([value, value.translate(_PLAIN)])
    value = random.choice("粤苏川") + random.choice("BED")
    return random.choice(
        [f"{value}D{_digits(random, 5)}", f"{value}·{_digits(random, 5)}", (value + _digits(random, 5)).translate(_YAO)]
    )


def code(random: Random, *, held_out: bool) -> str:
    """Make a verification code of 4 or 6 places."""
    value = _digits(random, random.choice([4, 6]))
    if not held_out:
        return random.choice([value, value.translate(_PLAIN)])
    return random.choice([" ".join(value), value.translate(_YAO), _grouped(value.translate(_PLAIN), (3,), "，")])


MAKERS: dict[str, Callable[..., str]] = {
    maker.__name__: maker for maker in (phone, id_card, bank_card, email, address, plate, code)
}
