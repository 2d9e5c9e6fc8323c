"""The reference of the settings lists every key of `config/qareport.yaml`, with a description, and no other key."""

from __future__ import annotations

import re

from qareport.strict_yaml import read_yaml
from tests.support.paths import ROOT
from tools.reference_settings import settings_reference


def rows() -> dict[str, list[str]]:
    """The cells of each row, by `section.key`."""
    section, table = "", {}
    for line in settings_reference().splitlines():
        if heading := re.fullmatch(r"## `(\w+)`", line):
            section = heading[1]
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            table[f"{section}.{cells[0].strip('`')}"] = cells
    return table


def test_the_page_has_every_key_of_the_shipped_file_and_no_other() -> None:
    written = read_yaml(ROOT / "config" / "qareport.yaml").data
    keys = [f"{section}.{key}" for section, values in written.items() for key in values]
    inner = ["score.categories[].name", "score.categories[].limit", "alerts.routes[].team", "alerts.routes[].to"]
    inner += [f"understanding.language_model.{key}" for key in written["understanding"]["language_model"]]
    inner += [f"desk.oidc.{key}" for key in written["desk"]["oidc"]]
    assert sorted(rows()) == sorted([*keys, *inner])


def test_every_key_has_a_type_a_default_and_a_description() -> None:
    for key, cells in rows().items():
        assert len(cells) == 4, key
        assert all(cells), key
        assert cells[3].endswith("."), key


def test_types_name_their_values_and_bounds() -> None:
    page = rows()
    assert page["asr.max_end_silence_ms"][1:3] == ["integer, ≥ 100, ≤ 5000", "`500`"]
    assert page["asr.vad"][1] == "`auto`, `silero`, `fsmn`"
    assert page["mail.retry_s"][1:3] == ["list of number, ≥ 0, ≤ 3600", "`[60.0, 300.0, 900.0]`"]
    assert page["retention.days"][1:3] == ["integer, ≥ 1, or none", "`null`"]
    assert page["privacy.kinds"][1].startswith("list of `phone`, ")
