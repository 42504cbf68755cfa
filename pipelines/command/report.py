"""`provenance report`: the page for people, of one release or of several side by side."""

from __future__ import annotations

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import destination_file, place
from pipelines.command.reading import storage_of
from pipelines.command.sign import telling_of_old_signature
from provenance.errors import UsageError


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "make the page for people of a release again, or one page of several releases side by side"
    parser = commands.add_parser("report", help=text, description=text)
    parser.add_argument("release", type=place, nargs="+", metavar="RELEASE", help="directory of a release")
    parser.add_argument(
        "--output",
        type=destination_file,
        metavar="FILE",
        help="where to write the page; of one release by default its own report.html",
    )
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Write the page and say where it is."""
    from provenance.files.storage import join, write_bytes
    from provenance.release.manifest import read_manifest
    from provenance.release.report.page import REPORT, build_report, compare_releases, remake_report

    releases, output = arguments.release, arguments.output
    storage = storage_of(*releases, output or "")
    if output is None and len(releases) > 1:
        raise UsageError("several releases side by side are no part of one of them: name --output FILE")
    if output is None:
        with telling_of_old_signature(storage, releases[0]):
            changed = remake_report(storage, releases[0])
        print(join(releases[0], REPORT), "" if changed else "(as it was)")
        return 0
    if len(releases) > 1:
        page = compare_releases(storage, releases)
    else:
        page = build_report(storage, releases[0], read_manifest(storage, releases[0]))
    write_bytes(storage, output, page)
    print(output)
    return 0
