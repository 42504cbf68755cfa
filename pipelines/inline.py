"""Runs a pipeline in this process, from its transforms as they stand: no graph in messages, no worker, no encoded elements.

What one worker does on its own is some thousands of small tasks at most, for which Beam's in-process runner spends seconds on
messages; with workers or an engine Beam's own runners do the same steps, and the bytes are the same (promise 5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.internal.util import insert_values_in_args
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import AppliedPTransform, Pipeline, PipelineVisitor
from apache_beam.pvalue import PCollection, PValue
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

#: Done whole, not by the steps that Beam makes of them.
_WHOLE = (beam.Create, beam.GroupByKey, beam.CombineGlobally)


class InlineRunner(PipelineRunner):
    """A runner of bounded pipelines in one window, with what ours are made of.

    The transforms: `Create`, `ParDo` and what is one (`Map`, `FlatMap`, `Keys`), `GroupByKey`, `CombineGlobally`, `Flatten`,
    `Reshuffle`, and those made of them; side inputs as any view. An element goes through all steps that need nothing
    else before the next one is taken; what is collected are groups, sums and what others wait for.
    """

    def apply(self, transform: beam.PTransform[Any, Any], input: Any, options: PipelineOptions) -> Any:
        if isinstance(transform, beam.Reshuffle):
            return input
        if type(transform) in _WHOLE:
            return PCollection(input.pipeline)
        return transform.expand(input)

    def run_pipeline(self, pipeline: Pipeline, options: PipelineOptions) -> PipelineResult:
        steps = _Steps()
        pipeline.visit(steps)
        for step in steps.ordered:
            step.connect(steps)
        for step in steps.ordered:
            step.run()
        return PipelineResult(PipelineState.DONE)


class _Steps(PipelineVisitor):
    """The steps of a pipeline, each behind all that it needs; and where the elements of a collection go."""

    def __init__(self) -> None:
        self.ordered: list[_Step] = []
        self.takers: dict[PValue, list[Callable[[Any], None]]] = defaultdict(list)
        self.kept: dict[PValue, list[Any]] = {}

    def visit_transform(self, node: AppliedPTransform) -> None:
        kind = _KINDS.get(type(node.transform))
        if kind is None:
            raise NotImplementedError(
                f"{node.full_label}: no step of this kind runs here; name a runner of Beam's"
            )
        self.ordered.append(kind(node))

    def keep(self, collection: PValue) -> list[Any]:
        """The elements of a collection, once they are there."""
        if collection not in self.kept:
            self.kept[collection] = []
            self.takers[collection].append(self.kept[collection].append)
        return self.kept[collection]


@dataclass
class _Step:
    """One transform.

    Attributes:
        node: as Beam holds it.
    """

    node: AppliedPTransform
    _takers: list[Callable[[Any], None]] = field(default_factory=list)

    @property
    def _transform(self) -> Any:
        return self.node.transform

    def connect(self, steps: _Steps) -> None:
        """Say what is taken from where."""
        self._takers = steps.takers[next(iter(self.node.outputs.values()))]
        for collection in self.node.inputs:
            self._take_from(collection, steps)

    def run(self) -> None:
        """Do what is left to do when all that comes before is done."""

    def take(self, element: Any) -> None:
        raise NotImplementedError

    def _take_from(self, collection: PValue, steps: _Steps) -> None:
        steps.takers[collection].append(self.take)

    def _give(self, element: Any) -> None:
        for take in self._takers:
            take(element)


class _Creation(_Step):
    def _take_from(self, collection: PValue, steps: _Steps) -> None:
        """Nothing: it stands at the beginning."""

    def run(self) -> None:
        for element in self._transform.values:
            self._give(element)


class _Union(_Step):
    take = _Step._give


@dataclass
class _Grouping(_Step):
    _groups: dict[Any, list[Any]] = field(default_factory=dict)

    def take(self, element: tuple[Any, Any]) -> None:
        key, value = element
        self._groups.setdefault(key, []).append(value)

    def run(self) -> None:
        while self._groups:
            key = next(iter(self._groups))
            self._give((key, self._groups.pop(key)))


@dataclass
class _Sum(_Step):
    _total: Any = None

    def connect(self, steps: _Steps) -> None:
        super().connect(steps)
        self._total = self._transform.fn.create_accumulator()

    def take(self, element: Any) -> None:
        self._total = self._transform.fn.add_input(self._total, element)

    def run(self) -> None:
        self._give(self._transform.fn.extract_output(self._total))


@dataclass
class _Function(_Step):
    """A `ParDo`: as elements come, or of kept ones where it waits for side inputs."""

    _process: Callable[..., Any] | None = None
    _waiting: Sequence[Any] = ()
    _sides: list[tuple[Any, list[Any]]] = field(default_factory=list)

    def connect(self, steps: _Steps) -> None:
        super().connect(steps)
        if self._transform.output_tags:
            raise NotImplementedError(f"{self.node.full_label}: has several outputs; name a runner of Beam's")
        self._sides = [(view, steps.keep(view.pvalue)) for view in self.node.side_inputs]

    def _take_from(self, collection: PValue, steps: _Steps) -> None:
        if self.node.side_inputs:
            self._waiting = steps.keep(collection)
        else:
            super()._take_from(collection, steps)

    def take(self, element: Any) -> None:
        if self._process is None:
            self._process = self._prepared()
        for given in self._process(element) or ():
            self._give(given)

    def _prepared(self) -> Callable[..., Any]:
        """The function with its arguments, ready for the first element."""
        transform = self._transform
        views = [view._from_runtime_iterable(kept, view._view_options()) for view, kept in self._sides]
        positional, named = insert_values_in_args(transform.args, transform.kwargs, views)
        transform.fn.setup()
        transform.fn.start_bundle()
        process = transform.fn.process
        if not positional and not named:
            return process  # type: ignore[no-any-return]
        return lambda element: process(element, *positional, **named)

    def run(self) -> None:
        for element in self._waiting:
            self.take(element)
        if self._process is not None:
            for late in self._transform.fn.finish_bundle() or ():
                self._give(late.value)
            self._transform.fn.teardown()


_KINDS: dict[type, type[_Step]] = {
    beam.Create: _Creation,
    beam.Flatten: _Union,
    beam.GroupByKey: _Grouping,
    beam.CombineGlobally: _Sum,
    beam.ParDo: _Function,
}
