"""Write the generated pages of docs/reference: `make reference`.

Each page is made by one function from the code that it documents; a test compares the pages with what is made.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from qareport.delivery.mail import MailView
from qareport.report.formats.html import PageVariables
from qareport.report.order.view_types import OrderView
from qareport.report.period.view_types import PeriodView
from tools import reference_plan
from tools.reference_commands import commands_reference
from tools.reference_rules import conditions_page, lint_codes_page
from tools.reference_settings import settings_reference

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"

_TEMPLATE_VARIABLES = """\
# Template variables

What templates can print. An unknown name is an error that names its place, not an empty space. Values are ready to
print: rounded, with their units, and worded in the language of the document.

`language` (zh-CN or en-US) and `_("…")` (a text in that language, if the catalogue has it) are known in all templates
but Word's. A field of the type `tuple[X, ...]` is looped over (`{% for row in … %}`); what an `X` has is in its table.
"""


def template_variables() -> str:
    """Make the page about the variables of templates from the dataclasses that templates are filled with."""
    sections = (
        ("`report` in call.docx and call.html.j2", OrderView),
        ("`report` in period.docx and period.html.j2", PeriodView),
        ("`mail` in mail.html.j2 and mail.txt.j2", MailView),
        ("Besides `report` in call.html.j2 and period.html.j2", PageVariables),
    )
    heads = {view: title for title, view in sections}
    page = [_TEMPLATE_VARIABLES]
    for view in _reachable(list(heads)):
        page.append(f"## {heads.get(view, view.__name__)}\n\n{_first_line(view)}\n\n{_table(view)}")
    return "\n".join(page)


def _reachable(views: list[type]) -> list[type]:
    """List dataclasses and those that their fields hold, each once, in the order in which they are met."""
    seen = list(views)
    for view in seen:
        for hint in get_type_hints(view).values():
            seen += [inner for inner in _dataclasses(hint) if inner not in seen]
    return seen


def _dataclasses(hint: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for part in get_args(hint):
        yield from _dataclasses(part)


def _table(view: type) -> str:
    remarks = field_descriptions(view)
    rows = [("name", "type", "what it is"), ("---", "---", "---")]
    rows += [(f"`{field.name}`", f"`{field.type}`", remarks[field.name]) for field in dataclasses.fields(view)]
    for name, value in inspect.getmembers(view, lambda member: isinstance(member, property)):
        rows.append((f"`{name}`", f"`{value.fget.__annotations__['return']}`", _first_line(value)))
    lines = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows)
    return "".join(f"| {line} |\n" for line in lines)


def field_descriptions(view: type) -> Mapping[str, str]:
    """Read what the `#:` lines above the fields of a dataclass say."""
    matches = re.finditer(r"((?:^ +#: .*\n)+)^ +(\w+):", inspect.getsource(view), re.MULTILINE)
    return {match[2]: " ".join(line.strip().removeprefix("#: ") for line in match[1].splitlines()) for match in matches}


def _first_line(value: object) -> str:
    return (inspect.getdoc(value) or "").partition("\n")[0]


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_reference,
    "conditions.md": conditions_page,
    "lint-codes.md": lint_codes_page,
    "settings.md": settings_reference,
    "template-variables.md": template_variables,
}


def main() -> int:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}\n")
    for path in reference_plan.write():
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
