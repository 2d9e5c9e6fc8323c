"""Each block of docs/reference/rules-from-other-systems.md (AWS, SCA and others) hits, and does not hit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.rule_texts import RULE, run_case

PAGE = (ROOT / "docs" / "reference" / "rules-from-other-systems.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)

#: For each block of the page, in its order: a conversation that hits and one that does not, utterances after bars.
TALKS = [
    ("客服 1-2: 请稍等", "客户 1-2: 请稍等"),
    ("客服 1-2: 再见", "客服 1-2: 感谢您的来电"),
    ("客户 1-2: 喂 | 客户 20-22: 发货", "客户 1-2: 发货 | 客户 70-72: 发货"),
    ("客户 1-2: 喂 | 客服 16-18: 您好", "客服 14-15: 您好"),
    ("客户 1-2: 喂 | 客服 90-92: 祝您生活愉快 | 客户 100-101: 嗯", "客服 1-2: 祝您生活愉快 | 客户 100-101: 嗯"),
    ("客户 1-2: 喂 | 客户 50-51: 退款 | 客户 99-100: 嗯", "客户 1-2: 退款 | 客户 90-91: 退款 | 客户 99-100: 嗯"),
    ("客户 1-2: 发货 | 客户 99-100: 算了", "客户 1-2: 算了 | 客户 99-100: 发货"),
    ("客户 1-2: 喂 | 客服 15-16: 嗯 | 客户 50-51: 好", "客户 1-2: 喂 | 客服 3-30: 嗯 | 客户 45-46: 好"),
    ("客户 1-2: 喂 | 客服 5-6: 嗯", "客户 1-2: 喂 | 客服 15-16: 嗯"),
    ("客户 1-2: 喂 | 客户 10-16: 我上周 | 客服 14-17: 您先听", "客户 1-6: 我上周 | 客服 4-7: 您先听 | 客户 30-31: 好"),
    ("客户 1-6: 我上周 | 客服 7-8: 好", "客户 1-6: 我上周 | 客服 4-7: 您先听"),
    ("客户 1-2: 喂 | 客户 98-100 ANGRY: 太慢", "客户 1-2 ANGRY: 太慢 | 客户 98-100: 好"),
    ("客户 1-2 HAPPY: 喂 | 客户 98-100: 好", "客户 1-2: 喂 | 客户 98-100 HAPPY: 好"),
    ("客户 1-2: 喂 | 客服 9-10 ANGRY: 说了没有", "客户 1-2: 喂 | 客服 9-10 SAD: 没有"),
    ("客户 1-2 HAPPY: 喂 | 客户 9-10 SAD: 唉", "客户 1-2 HAPPY: 喂 | 客服 9-10 SAD: 唉"),
    ("客户 1-2: 退货", "客户 1-2: 退货 | 客服 3-4: 抱歉"),
    ("客户 1-2: 我要投诉", "客服 1-2: 您要投诉吗"),
    ("客户 1-2: 发货 | 客服 3-4: 嗯 | 客服 5-6: 耐心等待",
     "客户 1-2: 发货 | 客服 3-4: 嗯 | 客户 5-6: 啊 | 客服 7-8: 嗯 | 客服 9-10: 耐心等待"),
    ("客服 1-2: 不清楚 | 客户 3-4: 投诉", "客户 1-2: 投诉 | 客服 3-4: 不清楚"),
    ("客服 1-2: 您好 | 客户 3-4: 投诉", "客服 1-2: 抱歉 | 客户 3-4: 投诉"),
    ("客户 1-2: 投诉 | 客服 3-4: 嗯 | 客户 5-6: 喂 | 客服 7-8: 嗯 | 客服 9-10: 抱歉",
     "客户 1-2: 投诉 | 客服 3-4: 抱歉"),
    ("客户 1-2: 压单 | 客户 3-4: 说 | 客服 5-6: 不清楚",
     "客户 1-2: 压单 | 客户 3-4: 说 | 客户 5-6: 啊 | 客服 7-8: 不清楚"),
    ("客服 1-2: 抱歉 | 客户 3-4: 啊 | 客服 5-6: 嗯 | 客户 7-8: 压单", "客服 1-2: 抱歉 | 客户 3-4: 啊 | 客户 5-6: 压单"),
    ("客户 1-2 ANGRY: 发货", "客户 1-2: 发货 | 客户 3-4 ANGRY: 哼"),
    ("客户 1-2: 发货 | 客户 9-10: 发货 | 客服 11-12: 耐心等待", "客户 1-2: 发货 | 客服 11-12: 耐心等待"),
    ("客户 1-2: 发货 | 客服 3-4: 耐心等待 | 客户 9-10: 发货", "客服 1-2: 耐心等待 | 客户 3-4: 发货"),
    ("客户 1-2: 发货 | 客户 9-10: 发货 | 客服 11-12: 单号", "客户 1-2: 发货 | 客服 3-4: 没有"),
    ("客户 1-2: 发货 | 客服 3-4: 单号 | 客户 9-10: 发货 | 客服 11-12: 单号",
     "客户 1-2: 发货 | 客服 3-4: 单号 | 客户 9-10: 发货 | 客服 11-12: 没有"),
    ("客户 1-2: 发货", "客户 1-2: 退款"),
    ("客户 1-2: 换货", "客户 1-2: 发货"),
    ("客户 1-2: 昨天买的几时发货", "客户 1-2: 昨天买的 | 客户 3-4: 几时发货"),
    ("客户 1-2: 退款不然投诉", "客户 1-2: 退款退款"),
    ("客服 1-2: 喂 | 客户 3-4: 啊 | 客服 5-6: 嗯 | 客户 7-8: 啊 | 客服 9-10: 您好", "客服 1-2: 您好"),
    ("客户 1-2: 我要退款", "客户 1-2: 退款收到了"),
    ("客户 1-2: 退款 | 客户 3-4: 找律师", "客户 1-2: 退款 | 客户 3-4: 退款"),
    ("客户 1-2: 我要退货", "客户 1-2: 不退货"),
    ("客户 1-2: 你们什么时候给我发货啊", "客户 1-2: 衣服尺码不对"),
    ("客户 1-2: 到底什么时候发货 | 客户 9-10: 什么时候发货", "客户 1-2: 什么时候发货 | 客户 9-10: 尺码不对怎么办"),
    ("客户 1-2: 喂 | 客服 8-9: 您好", "客户 1-2: 喂 | 客户 8-9: 您好"),
    ("客服 1-2: 喂 | 客服 8-9: 您好", "客服 1-2: 喂 | 客户 8-9: 您好"),
    ("客服 1-2: 您好我们这边正在为您查询", "客服 1-9: 您好我们这边正在为您查询"),
    ("客户 1-6: 我上周 | 客服 4-7: 您先听", "客户 1-6: 我上周 | 客服 5.5-7: 您先听"),
    ("客户 1-2: 喂 | 客服 2.1-3: 您好", "客户 1-2: 喂 | 客服 2.3-3: 您好"),
    ("客户 1-2: 喂 | 客服 8-9: 您好", "客户 1-2: 喂 | 客服 4-5: 您好"),
    ("客服 1-2: 喂 | 客户 8-9: 您好", "客服 1-2: 喂 | 客服 8-9: 您好"),
    ("客服 1-2 -9dB: 您好", "客服 1-2 -20dB: 您好"),
    ("客服 1-2 -30dB: 您好 | 客服 3-4 -20dB: 您好", "客服 1-2 -22dB: 您好 | 客服 3-4 -20dB: 您好"),
    ("客户 1-2 -40dB: 喂 | 客户 3-4 -20dB: 喂", "客户 1-2 -30dB: 喂 | 客户 3-4 -20dB: 喂"),
    ("客户 1-4 ANGRY=0.8: 太慢", "客户 1-4 ANGRY=0.5: 太慢"),
    ("客户 1-2: 你们是骗子", "客户 1-2: 你好"),
    ("客户 1-2: 谢谢你", "客服 1-2: 谢谢你"),
    ("客户 1-2: 喂 | 客服 3-4: 您好 | 客户 9-10: 是 | 客服 29-30: 好", "客户 1-2: 喂 | 客服 3-4: 您好"),
    ("客户 1-2: 喂 | 客服 3-4: 您好 | 客户 5-6: 你们", "客户 1-2: 喂 | 客服 3-4: 您好 | 客户 5-6: 再见"),
    ("客服 1-2: 爱买不买", "客户 1-2: 爱买不买"),
    ("客户 1-2: 喂 | 客服 9-10: 您好", "客服 1-2: 请稍后 | 客服 9-10: 您好"),
    ("客户 1-2: 退款没到账", "客户 1-2: 退款我已经等了很久还没有到账"),
    ("客户 1-2: 退款 | 客户 3-4: 到账", "客户 1-2: 到账 | 客户 3-4: 退款"),
    ("客服 1-2: 到账 | 客户 3-4: 退款", "客服 1-2: 到账 | 客户 9-10: 退款"),
    ("客户 1-2: 喂 | 客服 60-61: 再见", "客服 1-2: 再见 | 客户 60-61: 喂"),
    ("客户 1-2: 我的退款 | 客服 3-4: 原路退回", "客户 1-2: 你好 | 客服 3-4: 原路退回"),
]  # fmt: skip


def test_every_example_of_the_page_has_its_conversations() -> None:
    assert len(BLOCKS) == len(TALKS)


@pytest.mark.parametrize(("block", "talks"), list(zip(BLOCKS, TALKS, strict=True)))
def test_an_example_hits_what_it_should_and_nothing_else(tmp_path: Path, block: str, talks: tuple[str, str]) -> None:
    document = yaml.safe_load(RULE)
    document["rules"][0] |= yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - text only, the safest of all
    if document["rules"][0]["points"] != "fatal":
        document["rules"][0]["points"] = int(document["rules"][0]["points"])
    cases = [
        {
            "name": key,
            "conversation": [dict([line.strip().split(": ", 1)]) for line in talk.split("|")],
            key: ["a.rule"],
        }
        for key, talk in zip(("must_hit", "must_not_hit"), talks, strict=True)
    ]
    rule = yaml.safe_dump(plain(document), allow_unicode=True)
    results = run_case(tmp_path, rule, yaml.safe_dump({"schema": 1, "cases": cases}, allow_unicode=True))
    assert [result.failures for result in results] == [(), ()]


def plain(node: object) -> object:
    """Give numbers their type back: the page is read as text, so that `10s` and dates stay what they are."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", node):
        return float(node) if "." in node else int(node)
    return node
