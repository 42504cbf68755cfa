"""`provenance demo`: curate the small bundled crawl and show the result."""

from __future__ import annotations

from pipelines.command import curate
from pipelines.command.job import BEAM_OPTIONS, add_job_options, add_output
from pipelines.command.parser import Arguments, Commands

_CAP = "0.02"  # low enough that the small crawl has documents that the cap drops
_SHOWN = 5


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "curate the small bundled crawl and show the result"
    parser = commands.add_parser("demo", help=text, description=text, epilog=BEAM_OPTIONS)
    add_output(parser, default="demo-release", help="directory of the release (demo-release)")
    add_job_options(parser, cap=True, default=_CAP)
    parser.set_defaults(run=run, workspace=None, input_prefix=None)


def run(arguments: Arguments) -> int:
    """Curate the bundled crawl as `curate` does, then print the first documents."""
    from importlib.resources import as_file, files

    with as_file(files("provenance") / "demo") as crawl:
        arguments.inputs = [f"{crawl}/demo-*"]
        if arguments.max_synthetic is None and arguments.config is None:
            arguments.max_synthetic = _CAP
        code = curate.run(arguments)
    if code == 0 and not arguments.json:
        _show(arguments.output)
    return code


def _show(release: str) -> None:
    import pyarrow.dataset as ds

    columns = ["doc_id", "url", "proven_by", "synthetic_probability", "duplicate_count"]
    rows = ds.dataset(f"{release}/data").head(_SHOWN, columns=columns).to_pylist()
    if not rows:
        return
    print(f"\nThe first documents of {release}/data:\n")
    print(f"{'proven by':<12}{'synthetic':>9}{'duplicates':>12}  url")
    for row in rows:
        proven = f"{row['proven_by']:%Y-%m-%d}" if row["proven_by"] else "-"
        told = f"{row['synthetic_probability']:>9.4f}{row['duplicate_count']:>12,}"
        print(f"{proven:<12}{told}  {row['url']}")
    print(f"\nWhy is one of them here?  provenance explain {release} {rows[0]['doc_id']}")
    print(f"Is the release intact?     provenance verify {release}")
