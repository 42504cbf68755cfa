"""`provenance verify`: recompute a release and say what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of

if TYPE_CHECKING:
    from provenance.files.storage import Storage
    from provenance.release.findings import Findings


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "recompute a release: digests, counts, schema, ledger, cap, and its files for other programs"
    parser = commands.add_parser("verify", help=text, description=text)
    parser.add_argument(
        "release",
        type=place,
        metavar="RELEASE",
        help="directory of a release, or its address (hf://, s3://, gs://)",
    )
    parser.add_argument("--part", metavar="NAME", help="check this one file alone")
    parser.add_argument(
        "--key", metavar="FILE", help="public Ed25519 key: the manifest has to be signed by it"
    )
    parser.add_argument(
        "--remote",
        type=place,
        metavar="ADDRESS",
        help="a copy of RELEASE (hf://, s3://, a directory): it has to be the same release, and is verified in its place",
    )
    parser.add_argument(
        "--removals",
        nargs="+",
        default=[],
        metavar="FILE",
        help="removal requests (JSON lines, CSV or YAML): the release may hold nothing that they name",
    )
    parser.add_argument(
        "--recount",
        nargs="?",
        const="",
        metavar="TOKENIZER",
        help="count the tokens of every published text again; a file where the release names another tokenizer than the one that ships",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print every problem, or the counts of a release that has none; 1 where there is one."""
    from provenance.release.findings import compare_copy
    from provenance.release.manifest import read_manifest
    from provenance.release.recount import recount_tokens
    from provenance.release.removals import check_removals

    release, storage = arguments.release, storage_of(arguments.release)
    findings = None
    if arguments.remote is not None:
        copy, elsewhere = arguments.remote, storage_of(arguments.remote)
        findings = compare_copy(storage, release, elsewhere, copy)
        release, storage = copy, elsewhere
    if findings is None or not findings.problems:
        findings = _inspect(arguments, storage, release)
    if arguments.removals:
        findings.problems += check_removals(storage, release, arguments.removals)
    if arguments.recount is not None:
        recount_tokens(storage, release, arguments.recount or None, findings)
    problems = findings.problems
    if arguments.json:
        found = {
            "release": release,
            "verified": not problems,
            "problems": problems,
            "remarks": findings.remarks,
        }
        print(json.dumps(found, indent=1))
        return 1 if problems else 0
    for line in [*problems, *(f"remark: {remark}" for remark in findings.remarks)]:
        print(line)
    if not problems and arguments.part is not None:
        print(f"{release}: {arguments.part}: verified")
    elif not problems:
        counts = read_manifest(storage, release)["counts"]
        print(
            f"{release}: verified: {counts['kept']:,} documents, {counts['records']:,} records accounted for"
        )
    return 1 if problems else 0


def _inspect(arguments: Arguments, storage: Storage, release: str) -> Findings:
    """What is wrong with the release, or with the one part and the signature that were asked about."""
    from provenance.release.sign import SIGNATURE, SignatureError, check_signature
    from provenance.release.verify import inspect, inspect_part

    if arguments.part is not None:
        findings = inspect_part(storage, release, arguments.part)
    else:
        findings = inspect(storage, release)
    if arguments.key is not None:
        findings.remarks = [remark for remark in findings.remarks if not remark.startswith(SIGNATURE)]
        try:
            signer = check_signature(storage, release, arguments.key)
            findings.remarks.append(f"{SIGNATURE}: signed by the key {signer}")
        except SignatureError as error:
            findings.problems.append(str(error))
    return findings
