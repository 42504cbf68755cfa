"""Only full dates are proof of a capture; what is there but is none is told from what is not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provenance.records.dates import parse_time, read_time, time_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-03-10T03:00:00Z", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2025-03-10T03:00:00.123456789Z", datetime(2025, 3, 10, 3, 0, 0, 123456, tzinfo=UTC)),
        ("2025-03-10T05:00:00+02:00", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("20250310030000", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2025031003", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (20250310030000, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (202503100300, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (20250310, datetime(2025, 3, 10, tzinfo=UTC)),
        (20250310.0, datetime(2025, 3, 10, tzinfo=UTC)),
        (20259999, None),
        (991353600000, datetime(2001, 6, 1, tzinfo=UTC)),
        (1741575600, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (1741575600000, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2019-05-12 10:00:00+00", datetime(2019, 5, 12, 10, tzinfo=UTC)),
        ("2019-05-12T10:00:00+0530", datetime(2019, 5, 12, 4, 30, tzinfo=UTC)),
        ("Sun, 12 May 2019 10:00:00 GMT", datetime(2019, 5, 12, 10, tzinfo=UTC)),
        ("12 May 2019 10:00:00 -0500", datetime(2019, 5, 12, 15, tzinfo=UTC)),
        ("1556668800", datetime(2019, 5, 1, tzinfo=UTC)),
        ("1012012345", datetime(2002, 1, 26, 2, 32, 25, tzinfo=UTC)),
        ("1556668800000", datetime(2019, 5, 1, tzinfo=UTC)),
        ("2019/05/12", datetime(2019, 5, 12, tzinfo=UTC)),
        ("2019-05-12T24:00:00Z", datetime(2019, 5, 13, tzinfo=UTC)),
        ("20190512T100000Z", datetime(2019, 5, 12, 10, tzinfo=UTC)),
        ({"$date": "2019-05-12T10:00:00Z"}, datetime(2019, 5, 12, 10, tzinfo=UTC)),
        ({"$date": {"$numberLong": "1556668800000"}}, datetime(2019, 5, 1, tzinfo=UTC)),
        ("2037-12-31", datetime(2037, 12, 31, tzinfo=UTC)),
        ("2099-01-01T00:00:00Z", None),
        ("2562-05-12", None),
        (["2019-05-12"], None),
        ("2025-03", None),
        ("2025", None),
        ("1970-01-01T00:00:00Z", None),
        ("10 March 2025", None),
        ("2025-02-30", None),
        (float("nan"), None),
        (True, None),
    ],
)
def test_only_full_dates_are_capture_times(value: object, expected: datetime | None) -> None:
    micros = parse_time(value) if isinstance(value, str) else time_of(value)
    assert micros == (None if expected is None else int(expected.timestamp()) * 10**6 + expected.microsecond)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("2562-05-12", "impossible"),
        ("2099-01-01T00:00:00Z", "impossible"),
        ("1969-12-31", "impossible"),
        ("May 12, 2019", "unreadable"),
        ("2019-02-29", "unreadable"),
        ("0000-00-00", "unreadable"),
        ("NaN", "unreadable"),
        (-1, "unreadable"),
        (True, "unreadable"),
        (None, None),
        (float("nan"), None),
        (" ", None),
        ("2019-05-12", None),
    ],
)
def test_a_value_that_is_there_but_gives_no_time_says_why(value: object, problem: str | None) -> None:
    assert read_time(value)[1] == problem
