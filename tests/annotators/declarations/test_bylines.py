"""What a text says in words about its own making, whatever its letter case and wherever at its ends."""

from __future__ import annotations

import pytest

from provenance.annotators.declarations.bylines import _BYLINES, read_bylines

STATEMENTS = {
    "This article was written by ChatGPT.": "ai-generated",
    "The following story was produced using an AI": "ai-generated",
    "This post was created with the help of AI.": "ai-assisted",
    "AI-generated content": "ai-generated",
    "Dieser Text wurde vollständig von KI erstellt": "ai-generated",
    "Dieser Artikel wurde mit Hilfe von KI erstellt": "ai-assisted",
    "本文由AI生成": "ai-generated",
    "この記事はAIによって作成": "ai-generated",
    "Cet article a été généré par une IA": "ai-generated",
    "Este artículo fue escrito por IA": "ai-generated",
    "Este artigo foi escrito por IA": "ai-generated",
    "Questo articolo è stato scritto da ChatGPT": "ai-generated",
    "Ten artykuł został napisany przez AI": "ai-generated",
    "Dit artikel is geschreven door een AI": "ai-generated",
    "Эта статья была написана ИИ": "ai-generated",
}


@pytest.mark.parametrize(("statement", "signal"), STATEMENTS.items())
def test_a_statement_is_read_at_either_end_in_capitals_and_beside_letters_of_other_scripts(
    statement: str, signal: str
) -> None:
    filler = "\nnothing to be said here.\n" * 200
    texts = [statement, filler + statement, statement + filler]
    texts += [f"{text}\nıſİ" for text in texts] + [texts[0].upper().replace("GPT", "GPT")]
    for text in texts:
        assert {found.signal for found in read_bylines(text)} >= {signal}, text[:80]


def test_a_search_from_the_words_that_a_statement_begins_with_finds_what_a_search_everywhere_finds() -> None:
    for statement in STATEMENTS:
        for byline in _BYLINES:
            text = f'He said "{statement}" that {statement} {statement}'
            everywhere = byline.pattern.search(text)
            found = [item.value for item in read_bylines(text) if item.signal == byline.signal]
            assert everywhere is None or everywhere[0].strip() in found


@pytest.mark.parametrize(
    "text",
    ["She wrote that this article was written by AI.", "This article was written by AI, he said", "A party."],
)
def test_reports_and_texts_without_a_machine_are_none(text: str) -> None:
    assert not list(read_bylines(text))
