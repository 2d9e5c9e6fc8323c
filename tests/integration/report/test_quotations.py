"""Whatever is said comes out of every document, character by character."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from qareport import codec
from qareport.model import CallReport, Evidence, OrderReport
from tests.support import report_samples as samples
from tests.support.documents import TEXT, render, squeezed
from tests.support.hypothesis_profiles import examples


def _is_printed_as_it_stands(letter: str) -> bool:
    """Leave out what other programs turn round, join or split when they read a PDF: that is theirs, not ours."""
    left_to_right = unicodedata.bidirectional(letter) not in ("R", "AL", "AN", "BN")
    return left_to_right and unicodedata.normalize("NFKC", letter) == letter


#: Letters, figures, signs of all scripts, and what documents are written in: markup, template tags, Chinese.
_LETTERS = st.one_of(
    st.sampled_from("<>&{}%#\\\"'`$_~^|[]()*/;:=+-@!?"),
    st.sampled_from("的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会“”，。！？……"),
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")).filter(_is_printed_as_it_stands),
)
_SAID = st.text(_LETTERS, min_size=1, max_size=40)


@st.composite
def _orders(draw: st.DrawFn) -> OrderReport:
    texts = draw(st.lists(_SAID, min_size=12, max_size=12))
    call = samples.RICH_CALL
    segments = tuple(replace(segment, text=text) for segment, text in zip(call.segments, texts, strict=False))
    finding = replace(
        samples.FINDINGS[0],
        evidence=tuple(Evidence(at_ms=38_000, end_ms=42_000, role=samples.CUSTOMER, quote=text) for text in texts[5:8]),
    )
    changed: CallReport = replace(
        call,
        segments=segments,
        findings=(finding,),
        moments=(replace(samples.MOMENTS[2], quote=texts[8]),),
        promises=(replace(call.promises[0], quote=texts[9]),),
        issues=(replace(call.issues[0], evidence=(replace(call.issues[0].evidence[0], quote=texts[10]),)),),
        stages=(replace(call.stages[0], evidence=(replace(call.stages[0].evidence[0], quote=texts[11]),)),),
    )
    return samples.with_dossier(replace(samples.EXAMPLE, calls=(changed,)))


def quotations(value: Any, name: str = "") -> list[str]:
    """Gather every quotation of a report's JSON: what was said, and what stands under `quote`."""
    if isinstance(value, dict):
        return [text for key, part in value.items() for text in quotations(part, key)]
    if isinstance(value, list):
        return [text for part in value for text in quotations(part, name)]
    return [value] if name in ("quote", "text") and isinstance(value, str) else []


# Each example is a whole document, so few are made; shrinking one would take minutes and tell little more.
@examples(
    5,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@pytest.mark.parametrize("kind", ["docx", "html", "pdf"])
@given(order=_orders())
def test_every_character_of_every_quotation_is_in_the_document(kind: str, order: OrderReport) -> None:
    texts = quotations(codec.to_data(codec.read_report(render(order, "json"), where="json")))
    assert len(texts) > 12
    text = squeezed(TEXT[kind](render(order, kind)))
    assert [words for words in texts if squeezed(words) not in text] == []
