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

TWICE = "{name: a, scheme: kgw, tokenizer: token ids}"


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("release: {parts: yes}", "release.parts: should be a number, not true"),
        ("cap: {exponent: off}", "cap.exponent: should be a number, not false"),
        ("cap: {strata: [{by: year, max_synthetic: true}]}", "cap.strata.0.max_synthetic: should be a number"),
        ("release: {samples: 0}", "release.samples: should be true or false, not 0"),
        ('text: {clean_invisible: "no"}', "text.clean_invisible: should be true or false, not 'no'"),
        ("about: {date: 0}", "about.date: should be a day such as 2026-01-31, not 0"),
        ("about: {date: 2020-13-01}", "is not valid YAML: month must be in 1..12"),
        ("source: 5", "source: should be text, not 5; write it in quotation marks"),
        ("release: {parts: many}", "release.parts: should be a whole number, not 'many'"),
        ("release: {parts: 0}", "release.parts: should be greater than or equal to 1, not 0"),
        ("duplicates: {threshold: null}", "duplicates.threshold: should be a number, not null"),
        ("prior: {by_month: {2024: 0.1}}", "prior.by_month.2024: should be text, not 2024; write it in"),
        ("about: {version: v1}", "about.version: should match pattern"),
        ("cap: {max_synthetic: lots}", "cap.max_synthetic: is a share between 0 and 1, not 'lots': write 0.10"),
        ("cap: {max_synthetic: .nan}", "cap.max_synthetic: should be a finite number"),
        ("a: [1,\n b: 2", "is not valid YAML: line 3, column 1: while parsing a flow sequence expected"),
        ('source: ""', "source: should have at least 1 character"),
        ('source: " "', "source: holds nothing but blanks"),
        ('source: "a\\ud800"', "source: holds the character U+D800"),
        ('about: {sources: {"a\\0": "https://a.example/"}}', "holds the character U+0000"),
        ('removals: {lists: ["a\\e[31m"]}', "removals.lists.0: holds the character U+001B"),
        ("about: {license: MIT AND}", "about.license: is no SPDX expression"),
        ("prior: {by_year: {2020: .1, '2020': .2}}", "the key '2020' is written twice"),
        ("annotator_options: &a {x: *a}", "holds something that holds itself"),
        ("cap: " + "[" * 5000, "nested too deeply"),
        ("filters: en", "filters: should be a list"),
        ("filters: [{kind: langauges}]", "filters.0: there is no kind 'langauges'; did you mean languages?"),
        ("filters: [{kind: languages, alow: [en]}]", "filters.0.languages.alow: is no key there; did you mean allow?"),
        ("cap: {strata: [{by: langauge}]}", "did you mean language?"),
        ("cap: {strata: [{on: year}]}", "cap.strata.0.by: is missing"),
        ("neural: {detectors: [{kind: encodr, name: a}]}", "did you mean encoder?"),
        (f"watermarks: [{TWICE}, {TWICE}]", "watermarks: two watermarks are called 'a'; name each once"),
        (f"watermarks: [{TWICE}]", "watermark 'a': a crawl holds texts; name the tokenizer of the model"),
    ],
)  # fmt: skip
def test_what_is_written_as_something_else_is_refused_at_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text + "\n")
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(path)
    assert words in str(refused.value) and str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "name", ["LicenseRef-Ours", "CC-BY-4.0 AND LicenseRef-Our-Texts-1.0", "MIT OR Apache-2.0"]
)
def test_a_licence_of_its_own_is_named_as_spdx_names_it(name: str) -> None:
    assert load_configuration(None, {"about.license": name}).about.license == name


def test_a_file_in_another_encoding_is_said_to_be_no_utf8_rather_than_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes("source: été".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"c\.yaml: is no text in UTF-8 \(byte 8\)"):
        load_configuration(path)
