"""Whether a phrase is used or only mentioned."""

from __future__ import annotations

import pytest

from provenance.annotators.marks.context import is_quoted

PHRASE = "As of my last knowledge update"


@pytest.mark.parametrize(
    "left",
    [
        "“",
        "She said: “Well. ",
        "« ",
        "Il a dit «\u00a0",
        "»",
        "Er sagte: „",
        "他说“",
        "「",
        "‹",
        '"',
        "”… “",
        "(«",
    ],
)
def test_a_quotation_that_has_begun_holds_the_phrase(left: str) -> None:
    text = f'{left}{PHRASE}"'
    assert is_quoted(text, len(left), len(left) + len(PHRASE), token=False)


@pytest.mark.parametrize(
    "left",
    [
        "Kind 1: „Das malen wir nach!“ ",
        "Kind: »Wir malen.« ",
        "Il a dit « non ». ",
        "“Yes,” she said. ",
        "the end of it” ",
        "das Ende.“ ",
        "他说“好”。",
        "",
    ],
)
def test_a_quotation_that_has_ended_does_not(left: str) -> None:
    text = f"{left}{PHRASE} in September."
    assert not is_quoted(text, len(left), len(left) + len(PHRASE), token=False)
