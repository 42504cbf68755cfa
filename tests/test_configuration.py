"""One configuration model: what is wrong is said with the key, and with what was probably meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provenance.configuration import (
    Configuration,
    ConfigurationError,
    load_configuration,
)


def refused(folder: Path, text: str) -> str:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cap: {max_sinthetic: 0.1}", "cap.max_sinthetic: is no key there; did you mean max_synthetic?"),
        ("duplicate: {threshold: 0.5}", "did you mean duplicates?"),
        ("reading: {fields: {txt: body}}", "reading.fields.txt: is no key there; did you mean text?"),
        (
            "cap: {strata: [{by: language, caps: {en: 0.05}}]}",
            "cap.strata.0.caps: is no key there; there are by,",
        ),
        (
            "filters: [{kind: gopher, max_word_len: 1}]",
            "filters.0.gopher.max_word_len: is no key there; did you mean max_word_length?",
        ),
        ("release: {zzz: 1}", "there are shard_bytes, row_group_bytes, parts, seed, splits, samples"),
        ("cap.max_synthetic: 0.5", "cap: {max_synthetic: ...}"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("given", "written"),
    [("10%", "0.10"), ("5.5 %", "0.055"), ("0,05", "0.05"), (10, "0.10"), ("100%", "1.00"), ("2", "0.02")],
)
def test_a_percentage_is_told_how_a_share_is_written(given: Any, written: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(None, {"cap.max_synthetic": given})
    assert str(caught.value).endswith(f": write {written}")


@pytest.mark.parametrize("given", ["0.1", 0.1, "1", 1, "0", "1e-1"])
def test_a_share_is_read_as_it_is_written(given: Any) -> None:
    assert load_configuration(None, {"cap.max_synthetic": given}).cap.max_synthetic == type(
        Configuration().cap.max_synthetic
    )(str(given))
