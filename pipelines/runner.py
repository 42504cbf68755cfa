"""Run a pipeline on the runner that was asked for, after checking that Beam knows every option.

Beam ignores flags that it does not know and lets DirectRunner choose among three runners by what it finds, so both are
decided here: unknown flags are refused and the runner is named. Without flags, `inline` runs it, in one process or several.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    StandardOptions,
    _BeamArgumentParser,
)
from apache_beam.runners.runner import create_runner

from pipelines.cores import worth
from pipelines.inline import Hands, InlineRunner
from provenance.errors import UsageError

#: Engines that end a worker when no task uses it, and the option that keeps it, in milliseconds: the bundled crawl takes half the
#: processor time on Flink so, and on Spark it does not end without (docs/runners.md#where-workers-come-from).
_ENGINES = ("PortableRunner", "FlinkRunner", "SparkRunner")
_KEPT, _KEEP = "--environment_cache_millis", "60000"
#: A worker imports this, and with it all stages, before it has threads: two that unpickle their first tasks at once import
#: the same packages at once, from different ends, and one found them half made (seen once in some hundred workers of Flink).
_FIRST_IMPORTED = "pipelines.job"


View = TypeVar("View", bound=PipelineOptions)


class Options(PipelineOptions):
    """Options whose views are made once: Beam asks for one some ten times for each transform, and parses all flags each time."""

    def view_as(self, cls: type[View]) -> View:
        known: dict[type, Any] = self.__dict__.setdefault("_known_views", {})
        if cls not in known:
            known[cls] = super().view_as(cls)
        return cast(View, known[cls])


class RunnerError(UsageError):
    """Beam options that cannot be used."""


@dataclass(frozen=True)
class Runner:
    """How pipelines are run: Beam's own options, and the number of local processes."""

    beam_options: tuple[str, ...] = ()
    workers: int = 1

    def options(self) -> PipelineOptions:
        """Checked options.

        Raises:
            RunnerError: names the options that Beam does not know.
        """
        if self._inline or self._hands() is not None:
            return Options(["--no_pipeline_type_check"])
        given = list(self.beam_options)
        if self._local:
            given.append("--runner=FnApiRunner")
            if self.workers > 1:
                given += ["--direct_running_mode=multi_processing", f"--direct_num_workers={self.workers}"]
        elif self.workers > 1:
            raise RunnerError(
                "--workers is for the local runner; with --runner give that runner's own options after --"
            )
        unknown = _unknown_options(given)
        if unknown:
            raise RunnerError(f"Apache Beam does not know {', '.join(unknown)}")
        options = Options(given, save_main_session=False)
        try:
            create_runner(options.view_as(StandardOptions).runner)
        except (ValueError, ImportError) as error:
            raise RunnerError(f"Beam options: {error}") from error
        if not self._local:
            self._prepare_engine(options)
        return options

    def _prepare_engine(self, options: PipelineOptions) -> None:
        """Say what an engine has to do before it gives work to a worker, and when it ends one."""
        setup = options.view_as(SetupOptions)
        setup.beam_plugins = [*(setup.beam_plugins or ()), _FIRST_IMPORTED]
        if options.view_as(StandardOptions).runner in _ENGINES and not _gives(self.beam_options, _KEPT):
            options.view_as(PortableOptions).environment_cache_millis = _KEEP

    @property
    def _inline(self) -> bool:
        return self.workers == 1 and not self.beam_options

    @property
    def _local(self) -> bool:
        return not _gives(self.beam_options, "--runner")

    def sized(self, work: int, least: int, tasks: int = sys.maxsize) -> Runner:
        """With no more local workers than have at least so much of this work, and a task; `PROVENANCE_ALL_WORKERS` lets all of them work."""
        return replace(self, workers=min(worth(self.workers, work, least), max(1, tasks)))

    def forks(self) -> bool:
        """Whether it has local workers that can be forked from this process."""
        return self._hands() is not None

    def prepare(self, call: Callable[[], object] | None = None) -> None:
        """Make ready for local workers, and have `call` called where they are forked; without any, nothing happens.

        To be called once before this process has threads and connections: afterwards workers can only be started anew.
        """
        if self.workers > 1 and not self.beam_options:
            from pipelines.nursery import Nursery

            nursery = Nursery.of_process()
            if nursery is not None and call is not None:
                nursery.prepare(call)

    def run(self, build: Callable[[beam.Pipeline], object]) -> None:
        """Build a pipeline and wait until it has finished."""
        traced = bool(os.environ.get("PROVENANCE_TRACEBACK"))
        # What fails in this process comes back as an exception, and is told once; an engine may know more.
        told = logging.ERROR if traced or self.beam_options else logging.CRITICAL
        logging.getLogger("apache_beam").setLevel(told)
        noisy = self.workers > 1 and self._hands() is None and not traced
        with (
            _standard_error_to_nowhere() if noisy else nullcontext(),
            self._pipeline() as pipeline,
        ):
            build(pipeline)

    def _pipeline(self) -> beam.Pipeline:
        options, hands = self.options(), self._hands()
        if self._inline or hands is not None:
            return beam.Pipeline(runner=InlineRunner(hands), options=options)
        return beam.Pipeline(options=options)

    def _hands(self) -> Hands | None:
        """Several local workers that nothing is said of; None where they cannot be forked."""
        if self.workers == 1 or self.beam_options:
            return None
        from pipelines.crew import Crew
        from pipelines.nursery import Nursery

        nursery = Nursery.of_process()
        return Crew(nursery, self.workers) if nursery is not None else None


@contextmanager
def _standard_error_to_nowhere() -> Iterator[None]:
    """Local worker processes log every step to our standard error; what fails in them comes back as an exception."""
    sys.stderr.flush()
    before = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _gives(options: Sequence[str], name: str) -> bool:
    """Whether an option is among them, in one word or in two."""
    return any(option == name or option.startswith(f"{name}=") for option in options)


def _unknown_options(given: Sequence[str]) -> list[str]:
    class Parser(_BeamArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            raise RunnerError(f"Beam options: {message}")

    parser = Parser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    return parser.parse_known_args(list(given))[1]
