"""`provenance diff`: which documents two releases decided differently, and which evidence moved them."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "which documents two releases decided differently, and what moved them; 1 where there are any"
    parser = commands.add_parser("diff", help=text, description=text)
    parser.add_argument("before", type=place, metavar="BEFORE", help="directory of a release")
    parser.add_argument(
        "after", type=place, metavar="AFTER", help="directory of the release to compare with it"
    )
    parser.add_argument("--json", action="store_true", help="print the changes as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print the changes; as diff does, 0 where there are none and 1 where there are some."""
    from provenance.release.diff import diff_releases

    before, after = arguments.before, arguments.after
    found = diff_releases(storage_of(before, after), before, after)
    if arguments.json:
        print(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
    else:
        print(found.describe())
    return 1 if found.changed else 0
