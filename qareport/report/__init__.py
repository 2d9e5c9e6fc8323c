"""Documents of an order, or of a day, a week or a month: Word, PDF, one self-contained HTML page, JSON.

Their numbers come from `OrderReport` or `PeriodReport` alone. `render` makes one document as bytes, `write` puts
several into a folder; both take either report.
"""

from qareport.presentation.fonts import check_fonts
from qareport.report.render import (
    FORMATS,
    PERIOD_FORMATS,
    Format,
    PeriodPages,
    build_view,
    file_name,
    order_stem,
    recordings_key,
    render,
    write,
)

__all__ = [
    "FORMATS",
    "PERIOD_FORMATS",
    "Format",
    "PeriodPages",
    "build_view",
    "check_fonts",
    "file_name",
    "order_stem",
    "recordings_key",
    "render",
    "write",
]
