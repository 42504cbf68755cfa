"""`provenance witness build`: an index of what was captured when, to prove age by it or to deduplicate against it."""

from __future__ import annotations

import json
from dataclasses import asdict

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import check_apart, destination, place
from pipelines.command.reading import storage_of


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "indexes of earlier captures: proof of age, and what increments are compared with"
    parser = commands.add_parser("witness", help=text, description=text)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "index what releases, workspaces, crawls and lists of captures hold"
    build = actions.add_parser("build", help=text, description=text)
    build.add_argument(
        "places",
        nargs="+",
        type=place,
        metavar="SOURCE",
        help="release, workspace, crawl file or directory, CDX or CDXJ file, part of Common Crawl's columnar index",
    )
    build.add_argument(
        "--output", type=destination, required=True, metavar="INDEX", help="directory of the index"
    )
    build.add_argument(
        "--config", metavar="FILE", help="configuration of the jobs that will look it up (duplicates, text)"
    )
    build.add_argument("--json", action="store_true", help="print the header of the index as JSON")
    build.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Build an index and say what it holds."""
    from provenance.configuration import load_configuration
    from provenance.files.ownership import OutputError
    from provenance.files.storage import join
    from provenance.release.earlier.sources import build_index

    storage, directory = storage_of(*arguments.places, arguments.output), arguments.output
    for source in arguments.places:
        check_apart(directory, source, "a source of the index")
    if storage.info(directory) is not None and not storage.list(directory):
        raise OutputError(f"{directory}: is a file; name another --output")
    ours = any(storage.list(join(directory, name)) for name in ("entries", "scratch"))
    if storage.list(directory) and not ours:
        raise OutputError(f"{directory}: holds files that are no index; name another --output")
    header = build_index(storage, arguments.places, directory, load_configuration(arguments.config))
    if arguments.json:
        print(json.dumps(asdict(header), indent=1))
        return 0
    print(f"{directory}: {header.entries:,} captures from {header.earliest} to {header.latest}")
    print(f"  {header.signatures:,} with a signature, {header.payloads:,} with a digest of the payload")
    for origin in header.origins:
        print(f"  {origin['entries']:>14,}  {origin['kind']:<10} {origin['name']}")
    return 0
