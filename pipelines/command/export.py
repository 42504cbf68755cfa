"""`provenance export`: a release in the format of another reader, by that format's own library."""

from __future__ import annotations

from pipelines.command.parser import Arguments, Commands, count
from pipelines.command.places import place
from pipelines.command.reading import storage_of


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "write a release out for another reader: JSON lines, WebDataset, LitData, MDS or Megatron's tokens"
    parser = commands.add_parser("export", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory or address of a release")
    parser.add_argument("--to", required=True, choices=["jsonl", "webdataset", "litdata", "mds", "tokens"])
    parser.add_argument("--output", required=True, type=place, metavar="DIR", help="a new local directory")
    parser.add_argument(
        "--columns",
        metavar="NAME,…",
        help="what is written of each document; by default all numbers, strings and times",
    )
    parser.add_argument("--split", metavar="NAME", help="which split, of a release that has some")
    parser.add_argument(
        "--shard-bytes",
        type=count,
        metavar="N",
        help="of a shard, before compression; a shard is whole row groups, one at least (256 MiB; litdata and mds 64 MiB)",
    )
    parser.add_argument("--compression", choices=["zst", "gz"], help="of --to jsonl (zst)")
    tokens = parser.add_argument_group("of --to tokens")
    tokens.add_argument(
        "--tokenizer",
        metavar="FILE",
        help="tokenizer.json in which the release was counted; not needed for the one that ships",
    )
    tokens.add_argument(
        "--another-tokenizer", action="store_true", help="let it be one in which the release was not counted"
    )
    tokens.add_argument("--end", metavar="TOKEN", help="the special token behind each document")
    tokens.add_argument(
        "--sequence", type=count, metavar="N", help="pack documents into sequences of N tokens"
    )
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Write the export and say what it holds."""
    from provenance.feed.export import Settings, export_release

    columns = arguments.columns
    settings = Settings(
        to=arguments.to,
        columns=None
        if columns is None
        else tuple(dict.fromkeys(name.strip() for name in columns.split(","))),
        split=arguments.split,
        shard_bytes=arguments.shard_bytes,
        compression=arguments.compression,
        tokenizer=arguments.tokenizer,
        another_tokenizer=arguments.another_tokenizer,
        end=arguments.end,
        sequence=arguments.sequence,
    )
    storage = storage_of(arguments.release)
    made = export_release(arguments.release, arguments.output, settings, storage=storage)
    stood = f", {made.stood} of them from the interrupted run" if made.stood else ""
    shards = "shard" if made.shards == 1 else "shards"
    print(f"{arguments.output}: {made.documents:,} documents in {made.shards:,} {shards}{stood}")
    return 0
