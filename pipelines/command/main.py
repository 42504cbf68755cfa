"""The `provenance` command: arguments in, exit code out (0 fine, 1 finding or failure, 2 bad usage).

Beam is imported only by the commands that run a pipeline, so `score`, `verify` and `explain` start at once.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import __version__

if TYPE_CHECKING:
    from pipelines.job import Job
    from provenance.configuration import Configuration
    from provenance.files.inputs import InputFile
    from provenance.files.storage import Storage

_EPILOG = (
    "Options of Apache Beam follow after --, for example: -- --runner=FlinkRunner --flink_master=host:8081"
)
_DEMO_CAP = "0.02"  # low enough that the small crawl has documents that the cap drops


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the console script `provenance`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    beam_options: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, beam_options = arguments[:at], arguments[at + 1 :]
    # Beam warns on import of every optional cloud library that is not installed.
    logging.getLogger().setLevel(logging.ERROR)
    parser = _parser(arguments)
    try:
        parsed = parser.parse_args(arguments)
        parsed.beam_options = beam_options
        if beam_options and not getattr(parsed, "takes_beam", False):
            parser.error(f"{parsed.command} runs no pipeline and takes no Beam options after --")
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(parsed.run(parsed))
    except _usage_errors() as error:
        return _complain(error, 2)
    except _findings() as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on where it stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone: nothing left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        if os.environ.get("PROVENANCE_TRACEBACK"):
            raise
        # Beam hands on a worker's whole traceback as text; its last line is what went wrong.
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        print(f"error: {lines[-1]}", file=sys.stderr)
        print(
            "what is finished is kept: run the same command again to go on where it stopped, "
            "with PROVENANCE_TRACEBACK=1 to see the traceback",
            file=sys.stderr,
        )
        return 1


class _UsageError(ValueError):
    """Arguments that fit the grammar but not each other."""


def _usage_errors() -> tuple[type[Exception], ...]:
    """What is wrong with how a command was called; imported only once something is raised."""
    from provenance.calibrate.documents import LabelledError
    from provenance.configuration import ConfigurationError
    from provenance.detectors.embedded.calibration import CalibrationError
    from provenance.files.inputs import InputError

    return (_UsageError, ConfigurationError, InputError, CalibrationError, LabelledError)


def _findings() -> tuple[type[Exception], ...]:
    """What is wrong with the data that a command was given."""
    from provenance.calibrate.embedded import CalibrateError
    from provenance.files.workspace import WorkspaceError
    from provenance.release.manifest import ReleaseError

    return (ReleaseError, WorkspaceError, CalibrateError)


def _complain(error: Exception, code: int) -> int:
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="provenance",
        description="Curate web crawls with provenance, calibrated synthetic-text scores and a certified cap.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"provenance {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str, run: Any, **options: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, allow_abbrev=False, **options)
        made.set_defaults(run=run)
        return made

    curate = command("curate", "run all four stages: crawl files in, a release out", _curate, epilog=_EPILOG)
    curate.add_argument("inputs", nargs="+", metavar="INPUT", help="crawl files, directories or globs")
    curate.add_argument("--output", required=True, metavar="DIR", help="directory of the release")
    curate.add_argument(
        "--workspace", metavar="DIR", help="working directory (default: the output's name + .workspace)"
    )
    _job_options(curate, cap=True)

    for name, text in (
        ("annotate", "stage 1: read crawl files and annotate every record"),
        ("deduplicate", "stage 2: find verified near-duplicates"),
        ("select", "stage 3: score and apply the cap"),
        ("publish", "stage 4: write the release"),
    ):
        stage = command(name, text, _stage, epilog=_EPILOG)
        if name == "annotate":
            stage.add_argument("inputs", nargs="+", metavar="INPUT", help="crawl files, directories or globs")
        if name == "publish":
            stage.add_argument("--output", required=True, metavar="DIR", help="directory of the release")
        stage.add_argument("--workspace", required=True, metavar="DIR", help="working directory")
        _job_options(stage, cap=name in ("select", "publish"))

    demo = command("demo", "curate the small bundled crawl and show the result", _demo, epilog=_EPILOG)
    demo.add_argument(
        "--output", default="demo-release", metavar="DIR", help="directory of the release (demo-release)"
    )
    demo.set_defaults(workspace=None)
    _job_options(demo, cap=True, default=_DEMO_CAP)

    verify = command("verify", "recompute a release: digests, counts, schema, ledger and cap", _verify)
    verify.add_argument("release", metavar="RELEASE", help="directory of a release")
    verify.add_argument("--json", action="store_true", help="print the result as JSON")

    explain = command("explain", "every piece of evidence behind one decision", _explain)
    explain.add_argument("release", metavar="RELEASE", help="directory of a release")
    explain.add_argument("doc_id", metavar="DOC_ID", help="a doc_id of its ledger")
    explain.add_argument("--json", action="store_true", help="print the explanation as JSON")

    audit = command("audit", "estimate the synthetic share of a dataset, and measure its diversity", _audit)
    audit.add_argument(
        "dataset", metavar="DATASET", help="a release, or a directory or file of Parquet with text"
    )
    audit.add_argument("--baseline", metavar="DATASET", help="a dataset to compare the diversity with")
    audit.add_argument("--json", action="store_true", help="print the report as JSON")

    score = command("score", "score JSON lines {id, text[, language]} or a text, without a pipeline", _score)
    score.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="JSON lines or one text, or - for standard input (default)",
    )
    score.add_argument(
        "--format",
        choices=("auto", "lines", "text"),
        default="auto",
        help="what the input is; auto: lines if one of them begins with {, else one text",
    )
    score.add_argument(
        "--max-fpr", type=_rate, default=0.01, metavar="RATE", help="false-positive rate of `flagged` (0.01)"
    )
    score.add_argument(
        "--prior", type=_rate, default=0.5, metavar="P", help="prior probability of synthetic text (0.5)"
    )
    score.add_argument("--calibration", metavar="FILE", help="calibration file (default: the detector's own)")
    score.add_argument(
        "--model", metavar="DIR", help="folder of a detector that you trained (default: the one that ships)"
    )

    calibrate = command(
        "calibrate", "make a calibration file from labelled or from old, human documents", _calibrate
    )
    calibrate.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="JSON lines or Parquet with `text` and `label` (or a date), a release, or a workspace",
    )
    calibrate.add_argument("--output", required=True, metavar="FILE", help="the calibration file (JSON)")
    calibrate.add_argument(
        "--human-only", action="store_true", help="every document of the files is known to be human"
    )
    calibrate.add_argument(
        "--model", metavar="DIR", help="folder of a detector that you trained (default: the one that ships)"
    )
    calibrate.add_argument("--config", metavar="FILE", help="configuration that holds the neural detector")
    calibrate.add_argument("--detector", metavar="NAME", help="calibrate this neural detector instead")
    calibrate.add_argument("--json", action="store_true", help="print what was found as JSON")

    if arguments[:1] == ["watermark"]:
        from provenance.annotators.watermarks import command as watermark

        watermark.add_arguments(commands).set_defaults(run=watermark.run)
    else:  # for the list of commands; its own options would cost every other command half a second
        commands.add_parser("watermark", help="look for statistical watermarks in a text")
    return parser


def _job_options(parser: argparse.ArgumentParser, cap: bool, default: str = "0.10") -> None:
    parser.add_argument("--config", metavar="FILE", help="configuration in YAML (docs/configuration.md)")
    parser.add_argument("--source", metavar="NAME", help="name of the source written to every document")
    if cap:
        parser.add_argument(
            "--max-synthetic", metavar="FRACTION", help=f"largest synthetic fraction published ({default})"
        )
    parser.add_argument("--workers", type=_count, default=1, metavar="N", help="local processes (1)")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument("--json", action="store_true", help="print the closing summary as JSON")
    parser.set_defaults(takes_beam=True)


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, not {text!r}")
    return value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _configuration(arguments: argparse.Namespace) -> Configuration:
    overrides: dict[str, Any] = {}
    if arguments.source is not None:
        overrides["source"] = arguments.source
    if getattr(arguments, "max_synthetic", None) is not None:
        overrides["cap.max_synthetic"] = arguments.max_synthetic
    from provenance.configuration import load_configuration

    return load_configuration(arguments.config, overrides)


def _job(arguments: argparse.Namespace, workspace: str, configuration: Configuration) -> Job:
    from pipelines.job import Job
    from pipelines.progress import Progress
    from pipelines.runner import Runner, RunnerError
    from pipelines.storage import BeamStorage

    for directory in (workspace, getattr(arguments, "output", "")):
        if directory.encode("utf-8", "replace").decode("utf-8") != directory:
            raise _UsageError(f"{directory!r}: the name of a directory to write to must be UTF-8")
    runner = Runner(tuple(arguments.beam_options), arguments.workers)
    try:
        runner.options()
    except RunnerError as error:
        raise _UsageError(str(error)) from error
    return Job(BeamStorage(), workspace.rstrip("/"), configuration, runner, Progress(quiet=arguments.quiet))


def _curate(arguments: argparse.Namespace) -> int:
    from pipelines.job import check_output
    from pipelines.summary import print_summary
    from provenance.files.inputs import find_inputs
    from provenance.release.manifest import read_manifest

    configuration = _configuration(arguments)
    release = arguments.output.rstrip("/")
    workspace = arguments.workspace or f"{release}.workspace"
    _apart(release, workspace)
    job = _job(arguments, workspace, configuration)
    inputs, ignored = find_inputs(job.storage, arguments.inputs, without=(release, workspace))
    check_output(job.storage, release)
    _announce(job, inputs, ignored)
    stages = [job.annotate(inputs), job.deduplicate(), job.select(), job.publish(release)]
    manifest = read_manifest(job.storage, release)
    print_summary(release, manifest, stages, as_json=arguments.json)
    return 0 if manifest["synthetic"]["holds"] else 1


def _announce(job: Job, inputs: Sequence[InputFile], ignored: Sequence[str]) -> None:
    if ignored:
        job.progress.note(
            f"passed over {len(ignored):,} files that are not named like crawl files or are our own results, "
            f"such as {ignored[0]}"
        )
    job.progress.note(f"reading {len(inputs):,} files, {sum(item.size for item in inputs) / 1e6:,.1f} MB")


def _stage(arguments: argparse.Namespace) -> int:
    from provenance.files.inputs import find_inputs

    configuration = _configuration(arguments)
    job = _job(arguments, arguments.workspace, configuration)
    if arguments.command == "annotate":
        inputs, ignored = find_inputs(job.storage, arguments.inputs, without=(arguments.workspace,))
        _announce(job, inputs, ignored)
        result = job.annotate(inputs)
    elif arguments.command == "publish":
        _apart(arguments.output, arguments.workspace)
        result = job.publish(arguments.output)
    else:
        result = getattr(job, arguments.command)()
    if arguments.json:
        print(json.dumps({"stage": result.stage, "ran": result.ran, "unchanged": result.unchanged}))
    return 0


def _apart(release: str, workspace: str) -> None:
    a, b = os.path.abspath(release), os.path.abspath(workspace)
    if a == b or a.startswith(b + os.sep) or b.startswith(a + os.sep):
        raise _UsageError(f"--output {release} and --workspace {workspace} must not lie inside each other")


def _demo(arguments: argparse.Namespace) -> int:
    with as_file(files("provenance") / "demo") as crawl:
        arguments.inputs = [f"{crawl}/demo-*"]
        if arguments.max_synthetic is None and arguments.config is None:
            arguments.max_synthetic = _DEMO_CAP
        code = _curate(arguments)
    if code == 0 and not arguments.json:
        _show(arguments.output)
    return code


def _show(release: str) -> None:
    import pyarrow.dataset as ds

    columns = ["doc_id", "url", "proven_by", "synthetic_probability", "duplicate_count"]
    table = ds.dataset(f"{release}/data").to_table(columns=columns).slice(0, 5).to_pandas()
    print(f"\nThe first documents of {release}/data:\n")
    print(f"{'proven by':<12}{'synthetic':>9}{'duplicates':>12}  url")
    for row in table.itertuples():
        proven, probability = f"{row.proven_by:%Y-%m-%d}", row.synthetic_probability
        print(f"{proven:<12}{probability:>9.4f}{row.duplicate_count:>12,}  {row.url}")
    print(f"\nWhy is one of them here?  provenance explain {release} {table['doc_id'][0]}")
    print(f"Is the release intact?     provenance verify {release}")


def _storage(path: str) -> Storage:
    if "://" not in path:
        from provenance.files.storage import LocalStorage

        return LocalStorage()
    from pipelines.storage import BeamStorage

    return BeamStorage()


def _verify(arguments: argparse.Namespace) -> int:
    from provenance.release.manifest import read_manifest
    from provenance.release.verify import verify

    storage = _storage(arguments.release)
    problems = verify(storage, arguments.release)
    if arguments.json:
        print(
            json.dumps(
                {"release": arguments.release, "verified": not problems, "problems": problems}, indent=1
            )
        )
    elif problems:
        for problem in problems:
            print(problem)
    else:
        counts = read_manifest(storage, arguments.release)["counts"]
        print(
            f"{arguments.release}: verified: {counts['kept']:,} documents, {counts['records']:,} records accounted for"
        )
    return 1 if problems else 0


def _explain(arguments: argparse.Namespace) -> int:
    from provenance.release.explain import describe, explain

    found = explain(_storage(arguments.release), arguments.release, arguments.doc_id)
    if found is None:
        print(f"error: {arguments.release}: no record has the doc_id {arguments.doc_id!r}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1, default=str, ensure_ascii=False) if arguments.json else describe(found))
    return 0


def _audit(arguments: argparse.Namespace) -> int:
    from provenance.audit.estimate import AuditError, audit
    from provenance.audit.report import describe

    dataset, baseline = arguments.dataset, arguments.baseline
    storage = _storage(dataset if baseline is None or "://" in dataset else baseline)
    try:
        found = audit(storage, dataset.rstrip("/"), baseline and baseline.rstrip("/"))
    except AuditError as error:
        return _complain(error, 1)
    print(json.dumps(found, indent=1, ensure_ascii=False) if arguments.json else describe(found))
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from provenance.detectors.score import ScoreOptions, score_stream

    calibration = None
    if arguments.calibration is not None or arguments.model is not None:
        from provenance.detectors.embedded import load_model
        from provenance.detectors.embedded.calibration import read_calibration

        version = load_model(_detector(arguments.model)).version
        if arguments.calibration is not None:
            calibration = read_calibration(Path(arguments.calibration), version)
    options = ScoreOptions(arguments.prior, arguments.max_fpr, calibration, arguments.model)
    if arguments.file == "-":
        return score_stream(sys.stdin.buffer, sys.stdout, options, arguments.format)
    path = Path(arguments.file)
    if not path.is_file():
        raise _UsageError(f"{path}: no such file")
    with path.open("rb") as stream:
        return score_stream(stream, sys.stdout, options, arguments.format, path.name)


def _detector(folder: str | None) -> str | None:
    """`folder`, if it holds a detector that can be used."""
    from provenance.detectors.embedded import load_model
    from provenance.detectors.embedded.calibration import load_calibration

    try:
        version, made_for = load_model(folder).version, load_calibration(folder).detector
    except ValueError as error:
        raise _UsageError(str(error)) from error
    if version != made_for:
        raise _UsageError(f"{folder}: its calibration is for detector {made_for}, not {version}")
    return folder


def _calibrate(arguments: argparse.Namespace) -> int:
    from provenance.calibrate.embedded import calibrate, describe

    output = Path(arguments.output)
    if not output.parent.is_dir():
        raise _UsageError(f"{output.parent}: no such directory")
    if arguments.detector is not None or arguments.config is not None:
        return _calibrate_neural(arguments, output)
    calibration = calibrate(
        arguments.inputs, human_only=arguments.human_only, folder=_detector(arguments.model)
    )
    calibration.save(output)
    found = {"file": str(output), "version": calibration.version, **calibration.provenance}
    print(json.dumps(found, indent=1) if arguments.json else describe(calibration, str(output)))
    return 0


def _calibrate_neural(arguments: argparse.Namespace, output: Path) -> int:
    from provenance.calibrate.neural import calibrate_neural
    from provenance.configuration import load_configuration

    if arguments.detector is None or arguments.config is None or arguments.human_only:
        raise _UsageError("a neural detector needs --config, --detector and documents of both labels")
    detectors = load_configuration(arguments.config).neural.detectors
    chosen = [item for item in detectors if item.name == arguments.detector]
    if not chosen:
        names = ", ".join(item.name for item in detectors) or "none"
        raise _UsageError(f"{arguments.config}: no neural detector is called {arguments.detector} ({names})")
    calibration = calibrate_neural(arguments.inputs, chosen[0])
    output.write_text(calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")
    found = calibration.model_dump(mode="json")
    documents = found["provenance"]["documents"]
    print(
        json.dumps({"file": str(output), **found}, indent=1)
        if arguments.json
        else f"{output}: ratio = {calibration.intercept:+g} {calibration.slope:+g} * score for {arguments.detector}, from "
        f"{documents['human']:,} human and {documents['synthetic']:,} synthetic documents; AUROC on them "
        f"{found['provenance']['auroc']:.3f}; languages {', '.join(found['languages'])}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
