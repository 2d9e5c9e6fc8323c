"""A small configuration whose rules tests may change: two rules with tests, the rest as bundled."""

from __future__ import annotations

import shutil
from pathlib import Path

from qareport import settings

RULES = """\
# 退货的规则。
schema: 1
rules:
  - id: returns.complaint
    title: 客户要投诉
    severity: major
    points: -10
    category: 退货
    when:
      customer says: [投诉, 曝光]  # 不含“举报”
    advice: 先安抚，再给办法。

  - id: returns.freight
    title: 问运费没有答
    severity: minor
    points: -5
    category: 退货
    when:
      customer says:
        any:
          - 运费
          # 常见的问法
          - 邮费谁出
      unless:
        - agent says: [我们承担, 您承担]
          within: 30s
    advice: >-
      运费谁承担，
      要当场说清。
"""
TESTS = """\
schema: 1
cases:
  - name: 投诉
    conversation:
      - 客户 1-3: 我要投诉
    must_hit: [returns.complaint]
    must_not_hit: [returns.freight]

  - name: 运费
    conversation:
      - 客户 1-3: 运费谁出
    must_hit: [returns.freight]
    must_not_hit: [returns.complaint]
"""


def make_config(folder: Path, *, need_second: bool = False) -> Path:
    """Make a configuration folder with the rule files `returns.yaml` and `returns.test.yaml`.

    Args:
        folder: where it is made.
        need_second: whether a second person must agree before rules are published.
    """
    config = folder / "config"
    shutil.copytree(settings.default_dir("config"), config, ignore=shutil.ignore_patterns("rules"))
    (config / "rules").mkdir()
    (config / "rules" / "returns.yaml").write_text(RULES, "utf-8")
    (config / "rules" / "returns.test.yaml").write_text(TESTS, "utf-8")
    written = (config / "qareport.yaml").read_text("utf-8")
    if need_second:
        assert "rules_need_second: false" in written
        written = written.replace("rules_need_second: false", "rules_need_second: true")
    (config / "qareport.yaml").write_text(written, "utf-8")
    return config
