"""What the commands that run stages share: their options, the configuration and the job."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines.command.parser import Arguments, Parser, count
from pipelines.command.places import check_apart, check_name, destination, place, source
from pipelines.command.reading import storage_of
from pipelines.cores import LEAST_BYTES, local_workers, worth
from provenance.errors import UsageError, plain

if TYPE_CHECKING:
    from pipelines.earlier import Named
    from pipelines.job import Job
    from provenance.configuration import Configuration
    from provenance.files.failures import Harvest
    from provenance.files.inputs import InputFile, PassedOver

BEAM_OPTIONS = (
    "Options of Apache Beam follow after --, for example: -- --runner=FlinkRunner --flink_master=host:8081"
)
#: Reasons for failures that are shown: the rest is in the ledger.
_SHOWN = 3
#: Inputs that are looked into before work.
_PEEKED = 8
_ARCHIVE = re.compile(r"\.(warc|arc|wet)\b", re.IGNORECASE)


def add_inputs(parser: Parser) -> None:
    """The crawl files to read."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=source,
        metavar="INPUT",
        help="crawl files, directories, globs, lists of names (@FILE, warc.paths.gz) or of records (@TABLE.parquet), or - for standard input",
    )
    parser.add_argument(
        "--input-prefix",
        type=place,
        metavar="PLACE",
        help="where relative names of lists lie, as s3://commoncrawl or https://data.commoncrawl.org",
    )


def add_output(parser: Parser, **options: Any) -> None:
    """The directory of the release."""
    parser.add_argument("--output", type=destination, metavar="DIR", **options)


def add_job_options(parser: Parser, cap: bool, default: str = "0.10", publishes: bool = False) -> None:
    """Options of every command that runs stages; `cap`: also how much synthetic text may be published; `publishes`: also into what."""
    parser.add_argument("--config", metavar="FILE", help="configuration in YAML (docs/configuration.md)")
    parser.add_argument("--source", metavar="NAME", help="name of the source written to every document")
    if cap:
        parser.add_argument(
            "--max-synthetic", metavar="FRACTION", help=f"largest synthetic fraction published ({default})"
        )
    if publishes:
        parser.add_argument(
            "--parts", type=count, metavar="N", help="number of data files (default: by release.shard_bytes)"
        )
        parser.add_argument(
            "--sign", metavar="FILE", help="private Ed25519 key with which the manifest is signed"
        )
    parser.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="local processes at most (default: the cores there are, where memory allows)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument("--json", action="store_true", help="print the closing summary as JSON")
    parser.add_argument(
        "--lineage",
        metavar="URL",
        help="OpenLineage server that is told what happens (default: $OPENLINEAGE_URL)",
    )
    parser.set_defaults(takes_beam=True, max_synthetic=None, parts=None, sign=None)


def workers_of(arguments: Arguments, inputs: Sequence[InputFile] | None) -> int:
    """How many local processes the command has at most; `inputs` are those that it reads, if it reads any."""
    workers = int(arguments.workers or local_workers(arguments.beam_options))
    if inputs is None or arguments.beam_options:
        return workers
    return worth(workers, sum(item.size for item in inputs), LEAST_BYTES)


def signer(arguments: Arguments) -> Callable[[str], None]:
    """What signs a release by its directory; nothing where no key is given. The key is read before any work.

    Raises:
        UsageError: where the key cannot be used.
    """
    if arguments.sign is None:
        return lambda release: None
    from provenance.release.sign import read_private_key, sign_release

    key = read_private_key(arguments.sign)

    def sign(release: str) -> None:
        sign_release(storage_of(release), release, key)

    return sign


def add_earlier(parser: Parser, keep: bool) -> None:
    """Indexes and releases of documents that are elsewhere; `keep`: also a release to carry forward."""
    parser.add_argument(
        "--witness",
        type=place,
        action="append",
        default=[],
        metavar="INDEX",
        help="index of earlier captures that prove age (docs/witness.md); may be given again",
    )
    parser.add_argument(
        "--against",
        type=place,
        action="append",
        default=[],
        metavar="RELEASE",
        help="release, or index of one, whose documents are not to come again; may be given again",
    )
    if keep:
        add_keep(parser)


def add_keep(parser: Parser) -> None:
    """A release to carry forward."""
    parser.add_argument(
        "--keep",
        type=place,
        metavar="RELEASE",
        help="earlier release whose documents go into the new one, read and judged no more",
    )


def read_configuration(arguments: Arguments) -> Configuration:
    """The configuration file, with what the arguments say laid over it."""
    from provenance.configuration import load_configuration

    overrides: dict[str, Any] = {}
    if arguments.source is not None:
        overrides["source"] = arguments.source
    if arguments.max_synthetic is not None:
        overrides["cap.max_synthetic"] = arguments.max_synthetic
    if arguments.parts is not None:
        overrides["release.parts"] = arguments.parts
    return load_configuration(arguments.config, overrides)


def find_crawl(
    arguments: Arguments, configuration: Configuration, *written: str
) -> tuple[list[InputFile], list[PassedOver]]:
    """The crawl files that the arguments name, and those passed over; nothing below the directories `written`.

    Raises:
        UsageError: where nothing is found, or no row of the inputs has a field that the configuration names.
    """
    from provenance.errors import ConfigurationError
    from provenance.files.chosen import find_chosen, is_table
    from provenance.files.inputs import find_inputs
    from provenance.files.lists import expand_lists
    from provenance.records.peek import asked_paths, peek, sniff_json, unsatisfied

    storage = storage_of(*written)
    standing = [_spooled() if item == "-" else item for item in arguments.inputs]
    tables = [item for item in standing if item.startswith("@") and is_table(storage, item[1:])]
    chosen = find_chosen(storage, [item[1:] for item in tables], arguments.input_prefix)
    rest = [item for item in standing if item not in tables]
    given = expand_lists(storage, rest, arguments.input_prefix)
    storage_of(*given)
    options = configuration.reading.options()
    inputs, passed_over = find_inputs(
        storage, given, without=written, sniff=partial(sniff_json, options=options)
    )
    peeks = {}
    for item in choose_peeked(inputs) if asked_paths(options) else ():
        try:
            with storage.open(item.path) as stream:
                found = peek(stream, item.name, asked_paths(options))
        except OSError:  # it will be a row of the ledger
            continue
        if found is not None:
            peeks[item.name] = found
    problems = unsatisfied(peeks, options)
    if problems:
        raise ConfigurationError("\n".join(problems))
    return [*inputs, *chosen], passed_over


def choose_peeked(inputs: Sequence[InputFile]) -> list[InputFile]:
    """A few inputs that may have named fields, spread over all of them."""
    tables = [item for item in inputs if not _ARCHIVE.search(item.name)]
    step = max(1, len(tables) // _PEEKED)
    return tables[::step][:_PEEKED]


def _spooled() -> str:
    """Standard input as a file: a shard is made from what can be read again, so all of it is taken first.

    It goes to a file named by what it holds, so that the same input is the same file at the next run.
    """
    import atexit
    import shutil
    import tempfile

    import xxhash

    folder = tempfile.mkdtemp(prefix="provenance-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    digest, path = xxhash.xxh3_64(), os.path.join(folder, "incoming")
    with open(path, "wb") as file:
        while data := sys.stdin.buffer.read(1 << 20):
            digest.update(data)
            file.write(data)
    named = os.path.join(folder, f"standard-input-{digest.hexdigest()}")
    os.rename(path, named)
    os.utime(named, ns=(0, 0))
    return named


@contextmanager
def open_job(
    arguments: Arguments,
    configuration: Configuration,
    workspace: str,
    release: str | None = None,
    inputs: Sequence[InputFile] | None = None,
) -> Iterator[Job]:
    """The job that the arguments ask for, alone on its workspace and on the directory of its release.

    `inputs` tell how many local workers are worth their start, where the command reads any.

    Raises:
        UsageError: where a directory, an option of Beam or the configuration cannot be used.
        OutputError: where the directory of the release or the workspace holds files of others.
    """
    from provenance.files.ownership import check_output, check_workspace, check_writable, hold
    from provenance.files.storage import StoreError

    command = f"provenance {arguments.command}"
    with ExitStack() as stack:
        check_name(workspace)
        if release is not None:
            check_name(release)
            check_apart(release, workspace)
        try:
            if release is not None:
                check_output(storage_of(release), release)
            check_workspace(storage_of(workspace), workspace)
        except StoreError as error:
            raise UsageError(f"{error}; nothing was written") from error
        shared = getattr(arguments, "shard", (1, 1))[1] > 1
        check_writable(storage_of(workspace), workspace, command)
        stack.enter_context(hold(workspace, command, together=shared))
        if release is not None:
            check_writable(storage_of(release), release, command)
            stack.enter_context(hold(release, command))
        yield _make_job(arguments, configuration, workspace, release, inputs)


def _make_job(
    arguments: Arguments,
    configuration: Configuration,
    workspace: str,
    release: str | None,
    inputs: Sequence[InputFile] | None,
) -> Job:
    from pipelines.libraries import load_libraries

    load_libraries(whole_beam=bool(arguments.beam_options))

    from pipelines.job import Job
    from pipelines.progress import Progress
    from pipelines.runner import Runner
    from provenance.release.earlier.references import check_references

    runner = Runner(tuple(arguments.beam_options), workers_of(arguments, inputs))
    runner.options()  # options that Beam does not know are refused before any work
    runner.prepare()
    if arguments.workers is None and not runner.forks():
        # Beam's own processes, which are slower than one, are for those who ask.
        runner = replace(runner, workers=1)
    named = _named(arguments, workspace, release)
    if named is not None:
        check_references(
            storage_of(workspace), configuration, witnesses=named.witnesses, against=named.against
        )
    progress = Progress(quiet=arguments.quiet)
    return Job(
        storage_of(workspace),
        workspace,
        configuration,
        runner,
        progress,
        named=named,
        lineage_url=arguments.lineage,
    )


def _named(arguments: Arguments, workspace: str, release: str | None) -> Named | None:
    """Earlier documents that the command names; None where it goes on with those of the stages before.

    Raises:
        UsageError: where one of them would be written over.
    """
    from pipelines.earlier import Named

    if arguments.command not in ("curate", "annotate", "deduplicate", "demo"):
        return None
    witnesses, against = (tuple(getattr(arguments, name, ())) for name in ("witness", "against"))
    named = Named(witnesses, against, getattr(arguments, "keep", None))
    for earlier in (*named.witnesses, *named.against, *([named.keep] if named.keep else ())):
        for written in (workspace, release):
            if written is not None:
                check_apart(written, earlier, "an earlier release or index")
    return named


def announce(job: Job, inputs: Sequence[InputFile], ignored: Sequence[PassedOver]) -> None:
    """Say what will be read and what was passed over."""
    if ignored:
        several = "files, such as" if len(ignored) > 1 else "file,"
        job.progress.note(
            f"passed over {len(ignored):,} {several} {plain(ignored[0].path)}: {ignored[0].reason}; the manifest lists them"
        )
    named = "file" if len(inputs) == 1 else "files"
    job.progress.note(f"reading {len(inputs):,} {named}, {sum(item.size for item in inputs) / 1e6:,.1f} MB")


def complain_of_failures(harvest: Harvest) -> int:
    """1, with the most frequent reasons on standard error, where no document came because records failed; else 0.

    Where some inputs alone gave nothing for that reason, they are named: a crawl with a damaged file is a success.
    """
    if harvest.inputs and not harvest.records:
        print(f"warning: no input holds a record ({harvest.inputs:,} read)", file=sys.stderr)
    if not harvest.fruitless:
        return 0
    if harvest.documents:
        first = ", ".join(plain(name) for name in harvest.fruitless[:_SHOWN])
        print(
            f"warning: {len(harvest.fruitless):,} of {harvest.inputs:,} inputs gave no document, because records failed, "
            f"such as {first}; `provenance list` says why of each record",
            file=sys.stderr,
        )
        return 0
    print(
        f"error: no document came of the inputs: {harvest.failed:,} of {harvest.records:,} records failed",
        file=sys.stderr,
    )
    for failure in harvest.failures[:_SHOWN]:
        said = f": {plain(failure.detail)}" if failure.detail else ""
        print(
            f"  {failure.records:,} {failure.reason}, {failure.meaning}, such as in {plain(failure.input)}{said}",
            file=sys.stderr,
        )
    return 1
