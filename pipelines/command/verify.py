"""`provenance verify`: recompute a release and say what is wrong with it."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "recompute a release: digests, counts, schema, ledger and cap"
    parser = commands.add_parser("verify", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    parser.add_argument(
        "--removals",
        nargs="+",
        default=[],
        metavar="FILE",
        help="removal requests (JSON lines, CSV or YAML): the release may hold nothing that they name",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print every problem, or the counts of a release that has none; 1 where there is one."""
    from provenance.release.manifest import read_manifest
    from provenance.release.removals import check_removals
    from provenance.release.verify import verify

    release, storage = arguments.release, storage_of(arguments.release)
    problems = verify(storage, release)
    if arguments.removals:
        problems += check_removals(storage, release, arguments.removals)
    if arguments.json:
        found = {"release": release, "verified": not problems, "problems": problems}
        print(json.dumps(found, indent=1))
    elif problems:
        for problem in problems:
            print(problem)
    else:
        counts = read_manifest(storage, release)["counts"]
        print(
            f"{release}: verified: {counts['kept']:,} documents, {counts['records']:,} records accounted for"
        )
    return 1 if problems else 0
