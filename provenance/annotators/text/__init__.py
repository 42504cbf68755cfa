"""Main text: charset, extraction, and the guard that bounds what a page may cost.

`MainText` is the annotator; it is imported late here because the extraction child needs none of Arrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.annotators.text.main_text import MainText

__all__ = ["MainText"]


def __getattr__(name: str) -> object:
    if name == "MainText":
        from provenance.annotators.text.main_text import MainText

        return MainText
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
