"""Text as it is compared: its normal form, lists of words, how it sounds, how alike two texts are."""
