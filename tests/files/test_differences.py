"""A person is told the settings that matter first, and how many there are."""

from __future__ import annotations

from provenance.configuration import Configuration, load_configuration
from provenance.files.differences import describe_differences


def test_two_configurations_differ_in_the_settings_that_are_named() -> None:
    one = Configuration().model_dump(mode="json")
    other = load_configuration(None, {"source": "x", "duplicates.threshold": 0.9}).model_dump(mode="json")
    assert (
        describe_differences(one, other)
        == "duplicates.threshold: 0.6 then, 0.9 now; source: None then, 'x' now"
    )
    assert "another version" in describe_differences(one, one)


def test_five_differences_are_listed_and_the_rest_is_counted() -> None:
    said = describe_differences({}, {str(n): n for n in range(9)})
    assert said.count(" now") == 5 and said.endswith("; and 4 more")


def test_what_decides_about_documents_comes_before_names_and_files() -> None:
    before = {"about": {str(n): 0 for n in range(9)}, "release": {"parts": 1}, "rights": {"policy": "record"}}
    after = {"about": {str(n): 1 for n in range(9)}, "release": {"parts": 2}, "rights": {"policy": "exclude"}}
    assert describe_differences(before, after).startswith(
        "rights.policy: 'record' then, 'exclude' now; about.0"
    )


def test_a_long_value_is_cut() -> None:
    assert len(describe_differences({"filters": []}, {"filters": ["x"] * 1000})) < 200
