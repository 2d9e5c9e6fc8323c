"""The dial plans in the guide to live calls: what shells, parsers and the ports themselves take."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from tests.support.paths import ROOT

PAGES = [ROOT / "docs/guide/live.md", ROOT / "docs/guide/live.zh-CN.md"]


def blocks(page: Path, language: str) -> list[str]:
    """Return what a page shows in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_both_languages_show_the_same() -> None:
    for language in ("sh", "ini", "xml", "json"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)
        assert blocks(PAGES[0], language)


@pytest.mark.parametrize("text", blocks(PAGES[0], "sh"))
def test_a_script_is_one_that_a_shell_reads(text: str) -> None:
    ran = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("text", blocks(PAGES[0], "ini"))
def test_a_configuration_of_asterisk_has_sections_and_extensions_in_its_form(text: str) -> None:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=(";",))
    parser.read_string(text.replace("=>", "=").replace("\n same", "\nsame"))
    assert parser.sections()
    for line in text.splitlines():
        if line.startswith(("exten", " same")):
            assert re.fullmatch(r"(exten => [^,]+,(1|n)| same => n),\w+\(.*\)", line)
            assert line.count("(") == line.count(")")
            assert line.count("{") == line.count("}")


@pytest.mark.parametrize("text", blocks(PAGES[0], "xml"))
def test_xml_is_well_formed_and_names_a_port_that_there_is(text: str) -> None:
    root = ElementTree.fromstring(text)  # noqa: S314 - our own page
    values = " ".join(value for element in root.iter() for value in element.attrib.values())
    check_addresses(values)


@pytest.mark.parametrize("text", blocks(PAGES[0], "json"))
def test_json_is_read_and_names_a_port_that_there_is(text: str) -> None:
    (verb,) = json.loads(text)
    assert (verb["verb"], verb["listen"]["mixType"], verb["listen"]["sampleRate"]) == ("dial", "stereo", 8000)
    check_addresses(verb["listen"]["url"])


def check_addresses(text: str) -> None:
    """Hold the addresses of live ports to those that the server knows."""
    from qareport.web.ingest.server import _CONVENTIONS

    addresses = [urlsplit(address) for address in re.findall(r"wss://\S+", text)]
    assert addresses
    assert {address.path.removeprefix("/live/") for address in addresses} <= _CONVENTIONS.keys()
