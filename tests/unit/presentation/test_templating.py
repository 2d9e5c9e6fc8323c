"""Templates that loop for ever or fill the memory end with an error; usual ones are filled."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import TemplateRuntimeError

from qareport.errors import DocumentError
from qareport.presentation.templating import make_environment, read_template


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10000000000 }}",
        "{{ 10000000000 * 'x' }}",
        "{{ [1] * 100000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x'.center(99999 * 99999) }}",
        "{% set n = namespace(x='x' * 1000) %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='x' * 1000) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    ],
)
def test_a_template_that_has_gone_wild_is_an_error(source: str) -> None:
    with pytest.raises(TemplateRuntimeError):
        make_environment().from_string(source).render()


def test_loops_and_sums_are_what_they_are() -> None:
    source = (
        "{% for row in rows %}{{ loop.index }}/{{ loop.length }}{{ row ~ '!' }}{{ '' if loop.last else ',' }}"
        "{% else %}none{% endfor %} {{ 2 * 3 + 1 }} {{ 'ab' * 2 }} {{ '%d%%' % 5 }}"
    )
    environment = make_environment()
    assert environment.from_string(source).render(rows=["a", "b"]) == "1/2a!,2/2b! 7 abab 5%"
    assert environment.from_string(source).render(rows=[]) == "none 7 abab 5%"


@pytest.mark.parametrize("text", ["a\n｛｛ report.title ｝｝", "a\n｛% if x %｝"])
def test_tags_in_full_width_braces_are_named_with_their_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mail.txt.j2"
    path.write_text(text, "utf-8")
    with pytest.raises(DocumentError, match=r"mail\.txt\.j2:2"):
        read_template(path)
