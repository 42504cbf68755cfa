"""Short pages that state no day at all, told by the batch: one compiled pass spares most of them the readers of days.

It may keep a page that states none and never clears one that states one, so that what is found stays what it was (promise 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.byte_search import find
from provenance.annotators.columns import read_column
from provenance.annotators.dates.possible import MONTH_KEYS, holds_day
from provenance.annotators.dates.published import Dates
from provenance.annotators.dates.readable import AFTER, BEFORE, DATED_SEARCH
from provenance.annotators.declarations.elements import DECLARING
from provenance.annotators.kernel import kernel
from provenance.annotators.page.pages import Pages
from provenance.annotators.page.search import SILENT, UNDATED
from provenance.annotators.page.spans import NAMES, SCRIPT, TAG, Spans, write_visible
from provenance.annotators.page.strings import find_places, holds_one
from provenance.schema import TIME

#: Bytes after a page's headline and before it that readers of days look at (`dates.readable`); pages of no more are judged.
_AFTER: Final = AFTER
_BEFORE: Final = BEFORE
LONGEST: Final = _BEFORE + _AFTER
#: Places of words that name a day which there is room for; a page with more is read.
_ROOM: Final = 64
_BODY, _META, _TIME, _H1 = (NAMES.index(name) for name in (b"body", b"meta", b"time", b"h1"))
#: What every day in an address or its words holds: a year and another digit, three pairs of digits, or a long number (`dates.address`).
_ADDRESSED: Final = (
    "[0-9]{15}|(?:19|20)[0-9]{2}.*[0-9]|[0-9].*(?:19|20)[0-9]{2}|[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{2}"
)
#: A server's clock as nearly all write it (RFC 9110, 5.6.7), and the headers that days are read from.
_CLOCK: Final = (
    "(?im)^date:[ \\t]*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    "(?P<year>[0-9]{4}) [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$"
)
_CLOCKS: Final = "(?im)^(?:date|last-modified):"
#: What days are read from.
_READ: Final = ("url", "capture_time", "http_headers", "claimed_time", "claimed_by", "text")


def read_dates(batch: pa.RecordBatch, pages: Pages) -> Sequence[pa.Array]:
    """The columns of `Dates`. Where a page was cleared by `state_no_day` and nothing beside it states a day, nothing is read."""
    if not pages.screened:
        return Dates().read(batch, pages)
    silent = _states_nothing_beside(batch)
    others = [
        row
        for row, page in enumerate(map(pages.__getitem__, range(batch.num_rows)))
        if not (silent[row] and page and page.undated)
    ]
    part = batch.select([name for name in _READ if name in batch.schema.names]).take(
        pa.array(others, pa.int64())
    )
    found = Dates().read(part, Pages.of([pages.whole(row) for row in others]))
    place = np.full(batch.num_rows, -1, np.int64)
    place[others] = np.arange(len(others))
    return [column.take(pa.array(place, mask=place < 0)) for column in found]


def _states_nothing_beside(batch: pa.RecordBatch) -> list[bool]:
    """Of each row, whether neither its address nor its input nor its answer's headers can state a day that counts.

    The clock of a server counts only where it goes a year after the capture.
    """
    addressed = pc.match_substring_regex(read_column(batch, "url", pa.string()).fill_null(""), _ADDRESSED)
    headers = read_column(batch, "http_headers", pa.string()).fill_null("")
    clocks = pc.count_substring_regex(headers, _CLOCKS)
    year = pc.cast(pc.struct_field(pc.extract_regex(headers, _CLOCK), "year"), pa.int64())
    past = pc.less_equal(year, pc.year(_naive(read_column(batch, "capture_time", TIME)))).fill_null(False)
    kept = pc.or_(pc.equal(clocks, 0), pc.and_(pc.equal(clocks, 1), past))
    stated = pc.is_valid(read_column(batch, "claimed_time", TIME))
    silent: list[bool] = pc.and_(kept, pc.invert(pc.or_(addressed, stated))).to_pylist()
    return silent


def _naive(times: pa.Array) -> pa.Array:
    """Times without their zone, which is UTC: Arrow would look that up in the machine's database, and not every machine has one."""
    return times.cast(pa.timestamp("us"))


def state_no_day(
    data: NDArray[np.uint8],
    bounds: tuple[NDArray[np.int64], NDArray[np.int64]],
    spans: Spans,
    ends: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Judge each page in `data` (from `bounds[0]` to `bounds[1]`): short ones in which nothing can be a day are UNDATED or SILENT.

    `spans` are those of all pages; a page's are up to its number in `ends`. Strings that were searched for are not looked at.
    """
    judged = np.zeros(len(bounds[0]), np.uint8)
    room = (
        np.zeros(len(DATED_SEARCH.bounds) - 1, np.int64),
        np.empty((_ROOM, 2), np.int64),
        np.empty(LONGEST + 1, np.uint8),
    )
    _clear(data, bounds, spans, ends, judged, words=(DATED_SEARCH, DECLARING), room=room, months=MONTH_KEYS)
    return judged


@kernel
def _clear(data, bounds, spans, ends, judged, words, room, months):  # type: ignore[no-untyped-def]
    starts, stops = bounds
    for row in range(len(starts)):
        page, first, last = data[starts[row] : stops[row]], ends[row], ends[row + 1]
        if len(page) <= LONGEST:
            own = (
                spans.starts[first:last],
                spans.ends[first:last],
                spans.kinds[first:last],
                spans.names[first:last],
            )
            if _states_no_day(page, own, words[0], room, months):
                judged[row] = UNDATED if _declares(page, own, words[1]) else SILENT


@kernel
def _states_no_day(page, spans, words, room, months):  # type: ignore[no-untyped-def]
    starts, ends, kinds, names = spans
    for span in range(len(starts)):
        if names[span] == _TIME:
            return False
        if (names[span] == _META or kinds[span] == SCRIPT) and _may_date(page[starts[span] : ends[span]]):
            return False
        if kinds[span] == TAG and _may_file(page, starts[span], ends[span], months):
            return False
    middle, out = _headline(starts, names), room[2]
    if middle > _BEFORE or len(page) - middle > _AFTER or _tags_name_a_day(page, spans, words, room):
        return False
    size = write_visible(page, starts, ends, (middle, len(page), 32), out)
    if holds_day(out[:size], months):
        return False
    size = write_visible(page, starts, ends, (0, middle, 32), out)
    return not holds_day(out[:size], months)


@kernel
def _declares(page, spans, words):  # type: ignore[no-untyped-def]
    """Whether one of the words stands in a `<meta>`."""
    starts, ends, _, names = spans
    for span in range(len(starts)):
        if names[span] == _META and holds_one(page[starts[span] : ends[span]], words):
            return True
    return False


@kernel
def _may_date(data):  # type: ignore[no-untyped-def]
    """Whether two digits stand in a row in what is read for machines, or what may be one: a reference, an escape, no ASCII."""
    last = False
    for byte in data:
        digit = 48 <= byte <= 57
        if (digit and last) or byte == 38 or byte == 92 or byte >= 128:  # & and backslash
            return True
        last = digit
    return False


@kernel
def _may_file(page, start, end, months):  # type: ignore[no-untyped-def]
    """Whether an opening tag is that of a title, a picture or a link to the page's own address which may hold a day."""
    if start + 4 >= len(page):
        return False
    first, second = page[start + 1] | 32, page[start + 2] | 32
    if first == 116 and second == 105:  # title: its content follows
        return holds_day(page[end : find(page, end, 60)], months)
    if first == 105 and second == 109:  # img
        return _holds_year(page[start:end])
    return first == 108 and second == 105 and _is_canonical(page[start:end]) and _may_date(page[start:end])


@kernel
def _holds_year(tag):  # type: ignore[no-untyped-def]
    """Whether four bytes that may be a year stand between strokes, or a stroke and a hyphen, before a digit."""
    for at in range(len(tag) - 6):
        parted = tag[at] == 47 and (tag[at + 5] == 47 or tag[at + 5] == 45)
        if parted and (tag[at + 1] == 49 or tag[at + 1] == 50) and 48 <= tag[at + 6] <= 57:
            return True
    return False


@kernel
def _is_canonical(tag):  # type: ignore[no-untyped-def]
    """Whether `cano` stands in a tag."""
    for at in range(len(tag) - 3):
        if (
            tag[at] | 32 == 99
            and tag[at + 1] | 32 == 97
            and tag[at + 2] | 32 == 110
            and tag[at + 3] | 32 == 111
        ):
            return True
    return False


@kernel
def _tags_name_a_day(page, spans, words, room):  # type: ignore[no-untyped-def]
    """Whether one of the words stands in an opening tag."""
    starts, ends, kinds, _ = spans
    room[0][:] = 0
    size = find_places(page, words, room[0], room[1])
    if size > _ROOM:
        return True
    for place in room[1][:size, 0]:
        number = np.searchsorted(starts, place, "right") - 1
        if number >= 0 and kinds[number] == TAG and place < ends[number]:
            return True
    return False


@kernel
def _headline(starts, names):  # type: ignore[no-untyped-def]
    """The first byte of the first `<h1>` of the body, or of the body (`Page.headline`)."""
    body = 0
    for number in range(len(starts)):
        if names[number] == _BODY:
            body = starts[number]
            break
    for number in range(len(starts)):
        if names[number] == _H1 and starts[number] >= body:
            return starts[number]
    return body
