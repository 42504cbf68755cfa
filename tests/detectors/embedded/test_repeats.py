"""What a text says again is not believed as more text would be."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from provenance.detectors.embedded import load_model, score_texts
from provenance.detectors.embedded.repeats import said_once

REFRAIN = "Row, row, row your boat, gently down the stream; merrily, merrily, merrily, life is but a dream. "
PLAIN = " ".join(
    f"On day {i} the ferry came at {i % 12} and left with {i * 7} boxes of fish." for i in range(40)
)


@pytest.mark.parametrize("repeated", [REFRAIN * 8, (REFRAIN.strip() + "\n") * 40])
def test_a_sentence_said_many_times_is_as_long_as_said_once(repeated: str) -> None:
    (found,) = score_texts([repeated], ["en"])
    assert found["abstained"] and not found["flagged"]
    assert found["word_count"] <= 20


def test_texts_that_do_not_repeat_themselves_are_counted_whole() -> None:
    texts = pa.array([PLAIN, PLAIN + REFRAIN * 8, None, "", "...!\n"])
    assert said_once(texts).tolist() == pytest.approx([1, 0.8, 1, 1, 1], abs=0.05)
    model = load_model()
    words = model.score(texts).words
    assert words.tolist() == model.expert_scores(texts)[1].tolist()
    assert np.all(words[:2] > 400)
