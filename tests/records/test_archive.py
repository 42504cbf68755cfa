"""Records of damaged archives: a lying header costs one record, whatever lies between them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.outcomes import DROPPED, FAILED
from tests.records.archives import ENCODERS, PAGE, URLS, read, read_archive, record


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("length", [0, 1, 700, 1200, 10**5, 10**15, 10**40, -1, "x", ""])
def test_a_lying_length_costs_no_other_record(codec: str, whole: bool, length: object) -> None:
    records = [record(URLS[0]), record(URLS[1], length=length), record(URLS[2]), record(URLS[3])]
    encode = ENCODERS[codec]
    data = encode(b"".join(records)) if whole else b"".join(map(encode, records))
    rows = read_archive(data)
    assert [row["url"] for row in rows] == URLS
    assert all(row["body"] == PAGE for row in rows if row["url"] != URLS[1])


def test_a_huge_length_over_more_than_is_held_in_memory_costs_no_other_record() -> None:
    filler = [record(f"https://f.example/{index}", PAGE * 20) for index in range(120)]
    rows = read_archive(record(URLS[0], length=10**15) + b"".join(filler), max_payload_bytes=1 << 16)
    assert [row["url"] for row in rows][1:] == [f"https://f.example/{index}" for index in range(120)]
    assert all(row["outcome"] is None for row in rows[1:])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(URLS), st.binary(max_size=200)), max_size=8),
    st.sampled_from(sorted(ENCODERS)),
    st.integers(0, 60),
)
def test_any_mixture_of_members_and_junk_is_read_without_raising(
    parts: list[Any], codec: str, cut: int
) -> None:
    data = b"".join(ENCODERS[codec](record(part)) if isinstance(part, str) else part for part in parts)
    rows = read_archive(data[: len(data) - cut] if cut else data)
    offsets = [row["record_offset"] for row in rows]
    assert offsets == sorted(set(offsets))
    assert all(row["outcome"] is None or row["outcome"] in DROPPED | FAILED for row in rows)


def test_a_header_that_breaks_off_costs_only_its_own_record() -> None:
    """What is left of a header must not be read together with the next one."""
    for cut in range(11, 150, 9):
        rows = read(record(URLS[0]) + record(URLS[1])[:cut] + record(URLS[2]), "x.warc")
        good = [row["url"] for row in rows if row["outcome"] is None]
        assert good == [URLS[0], URLS[2]], f"cut after {cut} bytes"
        assert [row["outcome"] for row in rows if row["outcome"]] in (["bad_record"], [])


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
def test_a_record_without_length_is_not_blamed_for_what_follows_its_member(codec: str) -> None:
    encode = ENCODERS[codec]
    data = encode(record(URLS[0], length="none")) + b"junk" * 20 + encode(record(URLS[1]))
    rows = read_archive(data)
    assert [(row["url"], row["outcome"]) for row in rows] == [
        (URLS[0], None),
        (None, "bad_compression"),
        (URLS[1], None),
    ]


def test_junk_behind_a_record_whose_own_header_confirms_its_length_is_not_part_of_it() -> None:
    sized = record(URLS[0], headers=b"Content-Length: %d\r\n" % len(PAGE)).removesuffix(b"\r\n\r\n")
    rows = read(sized + b"\x00\x01junk" + record(URLS[1]), "x.warc")
    assert [row["body"] for row in rows if row["outcome"] is None] == [PAGE, PAGE]
