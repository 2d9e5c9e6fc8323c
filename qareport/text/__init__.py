"""Comparison of texts: normal form, similarity, lists of words, and pinyin."""
