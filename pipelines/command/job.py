"""What the commands that run stages share: their options, the configuration and the job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.command.parser import Arguments, Parser, count
from provenance.errors import UsageError

if TYPE_CHECKING:
    from pipelines.job import Job
    from provenance.configuration import Configuration
    from provenance.files.inputs import InputFile

BEAM_OPTIONS = (
    "Options of Apache Beam follow after --, for example: -- --runner=FlinkRunner --flink_master=host:8081"
)


def add_inputs(parser: Parser) -> None:
    """The crawl files to read."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="crawl files, directories or globs")


def add_job_options(parser: Parser, cap: bool, default: str = "0.10") -> None:
    """Options of every command that runs stages; `cap`: also how much synthetic text may be published."""
    parser.add_argument("--config", metavar="FILE", help="configuration in YAML (docs/configuration.md)")
    parser.add_argument("--source", metavar="NAME", help="name of the source written to every document")
    if cap:
        parser.add_argument(
            "--max-synthetic", metavar="FRACTION", help=f"largest synthetic fraction published ({default})"
        )
    parser.add_argument("--workers", type=count, default=1, metavar="N", help="local processes (1)")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument("--json", action="store_true", help="print the closing summary as JSON")
    parser.set_defaults(takes_beam=True, max_synthetic=None)


def read_configuration(arguments: Arguments) -> Configuration:
    """The configuration file, with what the arguments say laid over it."""
    from provenance.configuration import load_configuration

    overrides: dict[str, Any] = {}
    if arguments.source is not None:
        overrides["source"] = arguments.source
    if arguments.max_synthetic is not None:
        overrides["cap.max_synthetic"] = arguments.max_synthetic
    return load_configuration(arguments.config, overrides)


def make_job(arguments: Arguments, workspace: str, release: str | None = None) -> Job:
    """The job that the arguments ask for, on `workspace`.

    Raises:
        UsageError: where a directory, an option of Beam or the configuration cannot be used.
    """
    configuration = read_configuration(arguments)
    from pipelines.job import Job
    from pipelines.progress import Progress
    from pipelines.runner import Runner
    from pipelines.storage import BeamStorage

    for directory in filter(None, (workspace, release)):
        if directory.encode("utf-8", "replace").decode("utf-8") != directory:
            raise UsageError(f"{directory!r}: the name of a directory to write to must be UTF-8")
    if release is not None:
        _check_apart(release, workspace)
    runner = Runner(tuple(arguments.beam_options), arguments.workers)
    runner.options()  # options that Beam does not know are refused before any work
    return Job(BeamStorage(), workspace.rstrip("/"), configuration, runner, Progress(quiet=arguments.quiet))


def announce(job: Job, inputs: Sequence[InputFile], ignored: Sequence[str]) -> None:
    """Say what will be read and what was passed over."""
    if ignored:
        job.progress.note(
            f"passed over {len(ignored):,} files that are not named like crawl files or are our own results, "
            f"such as {ignored[0]}"
        )
    job.progress.note(f"reading {len(inputs):,} files, {sum(item.size for item in inputs) / 1e6:,.1f} MB")


def _check_apart(release: str, workspace: str) -> None:
    a, b = os.path.abspath(release), os.path.abspath(workspace)
    if a == b or a.startswith(b + os.sep) or b.startswith(a + os.sep):
        raise UsageError(f"--output {release} and --workspace {workspace} must not lie inside each other")
