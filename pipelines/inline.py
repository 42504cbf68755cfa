"""Runs a pipeline from its transforms as they stand, in this process or with local workers: no graph in messages.

What one machine does is some thousands of small tasks at most, for which Beam's in-process runner spends seconds on messages;
on an engine Beam's own runners do the same steps, and the bytes are the same (promise 5).
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.internal.util import insert_values_in_args
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import AppliedPTransform, Pipeline, PipelineVisitor
from apache_beam.pvalue import PCollection, PValue
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

#: Done whole, not by the steps that Beam makes of them.
_WHOLE = (beam.Create, beam.GroupByKey, beam.CombineGlobally)
#: What gives elements that workers share out among them.
_SHARED_OUT = (beam.Create, beam.GroupByKey)


class Hands(Protocol):
    """Who does the tasks of a step (`pipelines.crew.Crew`)."""

    def perform(self, step: bytes, elements: Sequence[Any]) -> Iterator[list[Any]]:
        """What a packed step makes of each element, in their order."""


@dataclass(frozen=True)
class Step:
    """The function of a `ParDo` with its arguments.

    Attributes:
        function: as Beam holds it.
        positional: arguments behind the element, side inputs among them.
        named: arguments by name.
    """

    function: beam.DoFn
    positional: Sequence[Any] = ()
    named: dict[str, Any] = field(default_factory=dict)

    def packed(self) -> bytes:
        """As bytes, for another process: functions as Beam packs them, which may be of no module."""
        function = pickler.dumps(self.function, use_zlib=True)
        return pickle.dumps((function, self.positional, self.named), pickle.HIGHEST_PROTOCOL)

    @classmethod
    def unpacked(cls, data: bytes) -> Step:
        """The step that was packed."""
        function, positional, named = pickle.loads(data)
        return cls(pickler.loads(function, use_zlib=True), positional, named)

    def prepared(self) -> Callable[[Any], Iterable[Any]]:
        """Ready for the first element: from an element to what becomes of it."""
        self.function.setup()
        self.function.start_bundle()
        positional, named = self.positional, self.named
        process: Callable[..., Iterable[Any] | None] = self.function.process
        return lambda element: process(element, *positional, **named) or []


class InlineRunner(PipelineRunner):
    """A runner of bounded pipelines in one window, with what ours are made of.

    The transforms: `Create`, `ParDo` and what is one (`Map`, `FlatMap`, `Keys`), `GroupByKey`, `CombineGlobally`, `Flatten`,
    `Reshuffle`, and those made of them; side inputs as any view. An element goes through all steps that need nothing
    else before the next one is taken; what is collected are groups, sums and what others wait for. With workers, the
    elements of a `Create` or a `GroupByKey` are collected too, and shared out among them.
    """

    def __init__(self, hands: Hands | None = None) -> None:
        """`hands`: local workers; None: all is done in this process."""
        super().__init__()
        self._hands = hands

    def apply(self, transform: beam.PTransform[Any, Any], input: Any, options: PipelineOptions) -> Any:
        if isinstance(transform, beam.Reshuffle):
            return input
        if type(transform) in _WHOLE:
            return PCollection(input.pipeline)
        return transform.expand(input)

    def run_pipeline(self, pipeline: Pipeline, options: PipelineOptions) -> PipelineResult:
        steps = _Steps(self._hands)
        pipeline.visit(steps)
        for step in steps.ordered:
            step.connect(steps)
        for step in steps.ordered:
            step.run()
        return PipelineResult(PipelineState.DONE)


class _Steps(PipelineVisitor):
    """The steps of a pipeline, each behind all that it needs; and where the elements of a collection go."""

    def __init__(self, hands: Hands | None) -> None:
        self.hands = hands
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
    """A `ParDo`: as elements come, or of kept ones where it waits for side inputs or is shared out."""

    _process: Callable[[Any], Iterable[Any]] | None = None
    _waiting: Sequence[Any] = ()
    _sides: list[tuple[Any, list[Any]]] = field(default_factory=list)
    _hands: Hands | None = None

    def connect(self, steps: _Steps) -> None:
        if self._transform.output_tags:
            raise NotImplementedError(f"{self.node.full_label}: has several outputs; name a runner of Beam's")
        if isinstance(self.node.inputs[0].producer.transform, _SHARED_OUT) and not self._ends_bundles:
            self._hands = steps.hands
        super().connect(steps)
        self._sides = [(view, steps.keep(view.pvalue)) for view in self.node.side_inputs]

    @property
    def _ends_bundles(self) -> bool:
        """Whether something is to be done behind its last element, which is done in this process."""
        return type(self._transform.fn).finish_bundle is not beam.DoFn.finish_bundle

    def _take_from(self, collection: PValue, steps: _Steps) -> None:
        if self.node.side_inputs or self._hands is not None:
            self._waiting = steps.keep(collection)
        else:
            super()._take_from(collection, steps)

    def take(self, element: Any) -> None:
        if self._process is None:
            self._process = self._step().prepared()
        for given in self._process(element):
            self._give(given)

    def _step(self) -> Step:
        """The function with its arguments, side inputs as they now are."""
        transform = self._transform
        views = [view._from_runtime_iterable(kept, view._view_options()) for view, kept in self._sides]
        return Step(transform.fn, *insert_values_in_args(transform.args, transform.kwargs, views))

    def run(self) -> None:
        if self._hands is not None and len(self._waiting) > 1:
            for found in self._hands.perform(self._step().packed(), self._waiting):
                for given in found:
                    self._give(given)
            return
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
