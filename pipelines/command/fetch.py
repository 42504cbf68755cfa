"""`provenance fetch-record`: the original record of a document, from the local or remote archive, by ranged read."""

from __future__ import annotations

import sys

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "print the original record of a document as its archive stores it"
    parser = commands.add_parser("fetch-record", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    parser.add_argument("doc_id", metavar="DOC_ID", help="of its data or ledger")
    parser.add_argument(
        "--archive",
        type=place,
        required=True,
        metavar="PLACE",
        help="directory that was curated, where it lies now, or the very file",
    )
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Write the record to standard output; where it lies and what was checked of it to standard error."""
    from provenance.errors import plain
    from provenance.release.fetch import fetch_record

    storage = storage_of(arguments.release, arguments.archive)
    found = fetch_record(storage, arguments.release, arguments.doc_id, arguments.archive)
    size = f"{found.length:,} bytes" if found.length is not None else "to the next record"
    checked = found.checked or "the release states no digest to compare"
    print(f"{plain(found.path)}, byte {found.offset:,}, {size}; {checked}", file=sys.stderr)
    sys.stdout.buffer.write(found.original.data) if hasattr(sys.stdout, "buffer") else sys.stdout.write(
        found.original.data.decode("utf-8", "replace")
    )
    return 0
