"""Personal data and secrets are found where they are, not where something looks like them, and masked whole."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from provenance.annotators.annotator import Annotator
from provenance.annotators.personal.annotator import PersonalDataCounts, hinted_rows, mask_personal, masked
from provenance.annotators.personal.patterns import find_personal

PLAIN = ("email", "ip", "iban", "card", "secret")
#: Made up or published as examples by their issuers: none of them opens or reaches anything.
EXAMPLES = {
    "Write to jane.doe+tag@mail.example.co.uk.": [("jane.doe+tag@mail.example.co.uk", "email")],
    "IBAN DE89 3704 0044 0532 0130 00 ABC": [("DE89 3704 0044 0532 0130 00", "iban")],
    "GB82WEST12345698765432, please": [("GB82WEST12345698765432", "iban")],
    "card 4111-1111-1111-1111 expires": [("4111-1111-1111-1111", "card")],
    "the resolver 8.8.8.8 or 2001:4860:4860::8888": [("8.8.8.8", "ip"), ("2001:4860:4860::8888", "ip")],
    "export AWS=AKIAIOSFODNN7EXAMPLE": [("AKIAIOSFODNN7EXAMPLE", "secret")],
}
NONE = [
    "version 1.2.3.4.5 of 10.0.0.1 and 192.168.1.1",
    "DE89 3704 0044 0532 0130 01",  # wrong check digits
    "4111 1111 1111 1112 and 1234567890123456",  # neither Luhn nor issued
    "at 12:30:45 on 2019-05-12, pages 100-120",
    "@someone on the bus, a@b, user@localhost",
    "sk-short and AKIA alone",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_found(text: str) -> None:
    assert [(text[span.start : span.stop], span.kind) for span in find_personal(text, PLAIN)] == EXAMPLES[
        text
    ]


@pytest.mark.parametrize(
    "text", [*EXAMPLES, "x.@example.org", "GB82 WEST 1234 5698 7654 32", "2606:4700::", "4111111111111111"]
)
def test_a_text_is_read_where_it_has_one(text: str) -> None:
    spans = find_personal(text, PLAIN)
    assert spans
    for kind in {span.kind for span in spans}:
        assert hinted_rows(pa.array([text], pa.large_string()), (kind,)).tolist() == [0]


@pytest.mark.parametrize("text", ["+493090182000", "(030) 901820", "tel 0\u00a030\u201190182000"])
def test_a_text_is_read_where_it_has_a_telephone_number(text: str) -> None:
    assert hinted_rows(pa.array([text], pa.large_string()), ("phone",)).tolist() == [0]


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert find_personal(text, PLAIN) == []


@pytest.mark.parametrize(
    ("text", "language", "numbers"),
    [
        ("Call (212) 555-0123 or +49 30 901820.", "en", ["(212) 555-0123", "+49 30 901820"]),
        ("Tel. 030 901820, am 12.05.2019", "de", ["030 901820"]),
        ("ISBN 978-3-16-148410-0, 1999-2004, 10.000.000 Euro", "de", []),
    ],
)
def test_telephone_numbers_are_those_of_a_numbering_plan(
    text: str, language: str, numbers: list[str]
) -> None:
    pytest.importorskip("phonenumbers")
    assert [text[span.start : span.stop] for span in find_personal(text, ("phone",), language)] == numbers


def test_counts_are_of_the_kinds_that_were_asked_for() -> None:
    texts = pa.array(["a@example.org, b@example.org; 8.8.8.8", None, "nothing"], pa.large_string())
    (found,) = PersonalDataCounts(("email", "card"))(pa.record_batch({"text": texts}))
    first, none, nothing = found.to_pylist()
    assert none is None
    assert (first["email"], first["card"], first["ip"]) == (2, 0, None)
    assert nothing["email"] == 0
    assert isinstance(PersonalDataCounts(), Annotator)


def test_the_kinds_are_part_of_the_version() -> None:
    assert PersonalDataCounts(("email",)).version != PersonalDataCounts(("card",)).version


def test_masked_texts_keep_everything_else() -> None:
    text = "Ask a@example.org, or b@example.org at 8.8.8.8!"
    assert masked(text, ("email",)) == "Ask [EMAIL], or [EMAIL] at 8.8.8.8!"
    column = pa.array([text, "plain"], pa.large_string())
    assert mask_personal(column, ["en", None], ("email", "ip")).to_pylist() == [
        "Ask [EMAIL], or [EMAIL] at [IP]!",
        "plain",
    ]


def test_overlapping_finds_are_masked_once() -> None:
    token = "ghp_" + "a" * 36
    assert masked(f"{token}@example.org", ("email", "secret")) in ("[SECRET]@example.org", "[EMAIL]")


@pytest.mark.parametrize(
    "piece",
    [
        "a@",
        "1 2",
        "1.2.3.4.",
        "eyJ",
        "AB12 ",
        "a:",
        "-----BEGIN AB AB ",
        "a.",
        "sk-aaaa",
        "(1)",
        "DE89 3704 ",
        "::",
    ],
)
def test_hostile_texts_cost_time_in_proportion_to_their_length(piece: str) -> None:
    started = time.process_time()
    find_personal(piece * (500_000 // len(piece)), PLAIN, "en")
    assert time.process_time() - started < 5
