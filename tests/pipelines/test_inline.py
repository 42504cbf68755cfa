"""One worker runs a pipeline without Beam's in-process runner: the same elements come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, TypeOptions
from apache_beam.pvalue import AsIter, AsList, AsSingleton, PCollection
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.inline import InlineRunner, Step
from pipelines.merge import Merge
from pipelines.runner import Options, Runner

Numbers = PCollection[Any]
Build = Callable[[beam.Pipeline], Numbers]


def write(lines: list[object], path: str) -> None:
    Path(path).write_text("\n".join(sorted(map(repr, lines))))


def written(build: Build, runner: beam.runners.PipelineRunner, path: Path) -> str:
    """All elements of a collection, sorted."""
    with beam.Pipeline(runner=runner, options=Options([])) as pipeline:
        once = pipeline | "Once" >> beam.Create([0])
        elements = AsList(build(pipeline))
        once | "Write" >> beam.Map(lambda _, lines: write(lines, str(path)), elements)
    return path.read_text()


class Counted(beam.DoFn):
    """Hands on its elements, and how many there were."""

    def setup(self) -> None:
        self.start = 100

    def start_bundle(self) -> None:
        self.count = self.start

    def process(self, element: int) -> Iterator[int]:
        self.count += 1
        yield element


def _numbers(pipeline: beam.Pipeline) -> Numbers:
    return pipeline | "Numbers" >> beam.Create(range(7))


def _grouped(pipeline: beam.Pipeline) -> Numbers:
    pairs = _numbers(pipeline) | beam.Reshuffle() | beam.Map(lambda n: (n % 3, n))
    return pairs | beam.GroupByKey() | beam.MapTuple(lambda key, found: (key, sorted(found)))


def _summed(pipeline: beam.Pipeline) -> Numbers:
    return _numbers(pipeline) | beam.CombineGlobally(Merge(sum))


def _summed_of_nothing(pipeline: beam.Pipeline) -> Numbers:
    return _numbers(pipeline) | beam.Filter(lambda n: n > 9) | beam.CombineGlobally(Merge(sum))


def _with_views(pipeline: beam.Pipeline) -> Numbers:
    numbers = _numbers(pipeline)
    total = AsSingleton(numbers | beam.CombineGlobally(Merge(sum)))
    odd = AsIter(numbers | beam.Filter(lambda n: n % 2))
    return numbers | beam.Map(lambda n, all_of, some, plus: n + all_of + sum(some) + plus, total, odd, plus=1)


def _united(pipeline: beam.Pipeline) -> Numbers:
    numbers = _numbers(pipeline)
    negative = numbers | beam.FlatMap(lambda n: [-n, -n])
    return (numbers, negative) | beam.Flatten()


def _of_pairs(pipeline: beam.Pipeline) -> Numbers:
    pairs = _numbers(pipeline) | beam.Map(lambda n: (n, n * n))
    return (pairs | beam.Keys(), pairs | beam.Values()) | beam.Flatten() | beam.ParDo(Counted())


@pytest.mark.parametrize(
    "build", [_numbers, _grouped, _summed, _summed_of_nothing, _with_views, _united, _of_pairs]
)
def test_gives_what_beams_in_process_runner_gives(build: Build, tmp_path: Path) -> None:
    assert written(build, InlineRunner(), tmp_path / "ours") == written(
        build, FnApiRunner(), tmp_path / "beams"
    )


SEEN: list[str] = []


def test_an_element_goes_through_all_steps_before_the_next_one_is_made() -> None:
    """So that what a thousand shards say of themselves is summed, not collected."""

    def noted(step: str) -> Callable[[int], int]:
        def note(element: int) -> int:
            SEEN.append(f"{step}{element}")  # not of the closure: Beam gives each step a copy of its own
            return element

        return note

    SEEN.clear()
    with beam.Pipeline(runner=InlineRunner()) as pipeline:
        made = pipeline | beam.Create([1, 2]) | "A" >> beam.Map(noted("a"))
        made | "B" >> beam.Map(noted("b")) | beam.CombineGlobally(Merge(sum)) | "Sum" >> beam.Map(noted("s"))
        made | "C" >> beam.Map(noted("c"))
    assert SEEN == ["a1", "b1", "c1", "a2", "b2", "c2", "s3"]


def test_what_a_step_raises_is_raised_as_it_is() -> None:
    def fail(element: int) -> int:
        raise KeyError(element)

    with (
        pytest.raises(KeyError, match="1"),
        beam.Pipeline(runner=InlineRunner()) as pipeline,
    ):
        pipeline | beam.Create([1]) | beam.Map(fail)


def test_a_view_of_one_that_has_two_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="more than one element"),
        beam.Pipeline(runner=InlineRunner()) as pipeline,
    ):
        numbers = pipeline | beam.Create([1, 2])
        numbers | beam.Map(lambda n, one: n + one, AsSingleton(numbers))


def test_steps_that_it_does_not_know_are_named() -> None:
    with (
        pytest.raises(NotImplementedError, match=r"Odd/.*: has several outputs"),
        beam.Pipeline(runner=InlineRunner()) as pipeline,
    ):
        pipeline | beam.Create([1]) | "Odd" >> beam.ParDo(Counted()).with_outputs("odd", main="rest")
    with (
        pytest.raises(NotImplementedError, match="Weekly: no step of this kind"),
        beam.Pipeline(runner=InlineRunner()) as pipeline,
    ):
        pipeline | beam.Create([1]) | "Weekly" >> beam.WindowInto(beam.window.FixedWindows(7))


def test_a_view_of_options_is_made_once_and_changes_all_views() -> None:
    options = Options(["--no_pipeline_type_check"])
    view = options.view_as(TypeOptions)
    assert view is options.view_as(TypeOptions) and not view.pipeline_type_check
    view.pipeline_type_check = True
    assert options.get_all_options()["pipeline_type_check"]
    options.view_as(DirectOptions).direct_num_workers = 3
    assert Options([]).view_as(DirectOptions).direct_num_workers == 1


def test_a_named_runner_is_beams_own() -> None:
    named = Runner(("--runner=FnApiRunner",))
    assert isinstance(named.options(), PipelineOptions)
    with named._pipeline() as pipeline:
        assert isinstance(pipeline.runner, FnApiRunner)
    assert isinstance(Runner()._pipeline().runner, InlineRunner)


class Backwards:
    """Does the last element first, in this process, and notes how many it was given."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def perform(self, step: bytes, elements: Sequence[Any]) -> Iterator[list[Any]]:
        process = Step.unpacked(step).prepared()
        self.given.append(len(elements))
        found = [list(process(element)) for element in reversed(elements)]
        return iter(found[::-1])


@pytest.mark.parametrize(("build", "given"), [(_grouped, [7, 3]), (_with_views, [7, 7]), (_summed, [])])
def test_workers_share_what_is_made_or_grouped_and_the_same_comes_out(
    build: Build, given: list[int], tmp_path: Path
) -> None:
    """What follows a step at once, and a single element, is done in the command's own process."""
    hands = Backwards()
    ours = written(build, InlineRunner(hands), tmp_path / "ours")
    assert ours == written(build, InlineRunner(), tmp_path / "alone")
    assert hands.given == given


def test_a_step_that_is_sent_has_its_arguments_and_side_inputs() -> None:
    step = Step(beam.Map(lambda n, more, times: (n + more) * times).fn, (4,), {"times": 3})
    assert list(Step.unpacked(step.packed()).prepared()(1)) == [15]
