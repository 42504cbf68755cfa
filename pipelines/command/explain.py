"""`provenance explain`: every piece of evidence behind one decision."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of
from provenance.errors import DataError

#: Captures of one address that are explained, and records that are listed where several are meant.
_MOST = 20


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "every piece of evidence behind one decision"
    parser = commands.add_parser("explain", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    parser.add_argument(
        "what", metavar="WHAT", help="a doc_id of its ledger or an address, or how one of them begins"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the explanation as JSON")
    form.add_argument("--html", action="store_true", help="print the explanation as a page for a browser")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print what the release says about a record, about every capture of an address, or which ones begin so."""
    from provenance.release.explain import describe, explain
    from provenance.release.listing import find_records
    from provenance.release.report.story import tell_stories

    release, what = arguments.release, arguments.what
    storage = storage_of(release)
    found = find_records(storage, release, what, _MOST)
    if not found.records:
        raise DataError(
            f"{release}: no record has the doc_id or the address {what!r}, and none has one that begins so"
        )
    urls = {row["url"] for row in found.rows}
    if found.records > _MOST or (found.records > 1 and len(urls) > 1):
        if arguments.html:
            raise DataError(f"{what!r} means several records, name one of them:\n{found.describe()}")
        if arguments.json:
            print(json.dumps(found.as_json(), indent=1, default=str, ensure_ascii=False))
        else:
            print(f"{found.describe()}\n\nname one of them, or use `provenance list` to see more")
        return 0
    explained = [explain(storage, release, row["doc_id"]) for row in found.rows]
    if arguments.html:
        print(tell_stories([item for item in explained if item is not None]).decode(), end="")
    elif arguments.json:
        values = explained[0] if len(explained) == 1 else explained
        print(json.dumps(values, indent=1, default=str, ensure_ascii=False))
    else:
        print("\n\n".join(describe(item) for item in explained if item is not None))
    return 0
