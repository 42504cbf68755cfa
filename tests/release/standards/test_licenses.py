"""A mixture of texts has the licences that are declared, and asserts nothing for texts that declare none."""

from __future__ import annotations

from typing import Any

from provenance.release.standards.licenses import spdx_of_mixture


def contents(*licenses: str | None, in_all: int | None = None) -> dict[str, Any]:
    rows = [{"value": value, "documents": 3, "tokens": 9} for value in licenses]
    return {"documents": {"licenses": rows, "licenses_in_all": in_all or len(rows)}}


def test_licences_that_all_documents_declare_are_joined() -> None:
    found = spdx_of_mixture(contents("MIT", "CC-BY-4.0"))
    assert found["expression"] == found["declared"] == "CC-BY-4.0 AND MIT"
    assert found["documents_without"] == 0


def test_one_document_without_a_licence_and_nothing_is_asserted_for_the_whole() -> None:
    found = spdx_of_mixture(contents("CC-BY-4.0", None))
    assert found["expression"] == "NOASSERTION"
    assert found["declared"] == "CC-BY-4.0"
    assert found["documents_without"] == 3


def test_licences_beyond_those_that_are_listed_leave_the_whole_unasserted() -> None:
    assert spdx_of_mixture(contents("MIT", in_all=200))["expression"] == "NOASSERTION"
    assert spdx_of_mixture(contents())["expression"] == "NOASSERTION"


def test_what_is_not_on_the_list_of_spdx_is_a_reference_that_the_manifest_explains() -> None:
    found = spdx_of_mixture(contents("https://example.org/terms?a=1", "https://example.org/terms?a=2"))
    assert len(found["references"]) == 2
    assert found["expression"] == " AND ".join(sorted(found["references"]))
    assert set(found["references"].values()) == {
        "https://example.org/terms?a=1",
        "https://example.org/terms?a=2",
    }
