"""Extractors that misbehave on pages that ask for it, for the guard's tests."""

from __future__ import annotations

import os

from provenance.annotators.text.extraction import Page


def misbehave(page: str) -> Page:
    """Hang, eat memory, die or raise when the page says so; echo it otherwise."""
    if "hang" in page:
        while True:
            pass
    if "eat" in page:
        return Page("x" * (8 << 30), "", None)
    if "die" in page:
        os.abort()
    if "raise" in page:
        raise ValueError("told to")
    return Page(page, "title", "en")
