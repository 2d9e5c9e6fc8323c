"""Personal data in what was said: found, and masked in everything that leaves the store.

Pure functions: `mask` for one text, `mask_report` for a complete call with the audio span of each hit, `quote_masker`
for what is quoted from a call. The store keeps the original. Found is what `PersonalKind` lists, written or spoken
digit by digit in Chinese or English: by its form, by the words beside it, and by what was asked for before.
"""

from qareport.privacy.find_in_call import ALL_KINDS, NUMBERS, Find, find
from qareport.privacy.masking import (
    LABELS,
    MaskedSegments,
    mask,
    mask_order,
    mask_phone,
    mask_report,
    mask_segments,
    quote_masker,
    shorten_numbers,
    shorten_paths,
)

__all__ = [
    "ALL_KINDS",
    "LABELS",
    "NUMBERS",
    "Find",
    "MaskedSegments",
    "find",
    "mask",
    "mask_order",
    "mask_phone",
    "mask_report",
    "mask_segments",
    "quote_masker",
    "shorten_numbers",
    "shorten_paths",
]
