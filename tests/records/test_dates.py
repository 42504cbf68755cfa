"""Only full dates are proof of a capture."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provenance.records.dates import parse_time, time_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-03-10T03:00:00Z", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2025-03-10T03:00:00.123456789Z", datetime(2025, 3, 10, 3, 0, 0, 123456, tzinfo=UTC)),
        ("2025-03-10T05:00:00+02:00", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("20250310030000", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2025031003", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (1741575600, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (1741575600000, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2099-01-01T00:00:00Z", datetime(2099, 1, 1, tzinfo=UTC)),
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
