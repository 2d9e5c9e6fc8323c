"""Personal data in what was said: found, and masked in everything that leaves the store.

Pure functions: `mask` for one text, `mask_report` for a complete call with the audio span of each hit. The store
keeps the original. Found are telephone numbers, identity cards, bank cards, e-mail and postal addresses, licence
plates and verification codes, written or spoken digit by digit in Chinese or English. Names of people are not found.
"""

from qareport.privacy.finding import ALL_KINDS, Find, find
from qareport.privacy.masking import (
    LABELS,
    MaskedSegments,
    mask,
    mask_order,
    mask_phone,
    mask_report,
    mask_segments,
)

__all__ = [
    "ALL_KINDS",
    "LABELS",
    "Find",
    "MaskedSegments",
    "find",
    "mask",
    "mask_order",
    "mask_phone",
    "mask_report",
    "mask_segments",
]
