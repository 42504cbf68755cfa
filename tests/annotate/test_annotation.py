"""Annotating one file: batches are worked on side by side, and it shows in nothing but the time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from provenance.annotate import Annotation, ahead, annotate_records
from provenance.configuration import Configuration, load_configuration
from provenance.files.inputs import InputFile
from tests.program import DEMO


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    """Batches so small that a demo file has several."""
    return load_configuration(None, {"reading.batch_rows": 7})


def test_side_by_side_or_one_after_the_other_the_batches_are_the_same(configuration: Configuration) -> None:
    annotation = Annotation(configuration)
    path = DEMO / "demo-2021.warc.gz"
    item = InputFile(str(path), path.name, 0, "")
    both = []
    for at_once in (True, False):
        with path.open("rb") as stream:
            both.append(list(annotate_records(stream, item, annotation, at_once)))
    assert len(both[0]) > 3
    assert both[0] == both[1]


def test_items_are_made_in_order_and_no_more_than_one_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    for number in ahead(items()):
        assert number <= len(made) - 1 <= number + 1
    assert made == [0, 1, 2, 3, 4]


def test_an_error_comes_where_its_item_would() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    following = ahead(items())
    assert next(following) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(following)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    following = ahead(iter([1, 2, 3]))
    assert next(following) == 1
    assert isinstance(following, Iterator)
    following.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
