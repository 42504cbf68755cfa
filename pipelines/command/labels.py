"""`provenance audit-sample` and `provenance certify`: documents to label, and what the labels prove."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of
from pipelines.command.sign import telling_of_old_signature
from provenance.errors import UsageError


def add_to(commands: Commands) -> None:
    """Add both commands to the parser."""
    text = "draw documents of a release to be labelled by people"
    draw = commands.add_parser("audit-sample", help=text, description=text)
    draw.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    draw.add_argument(
        "--size", type=int, default=200, metavar="N", help="how many draws (default: %(default)s)"
    )
    draw.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="new folder of this machine for sample.json, labels.csv and label.html",
    )
    draw.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the draw (default: %(default)s)"
    )
    draw.set_defaults(run=run_draw)
    text = "bound the synthetic share of a release by labels of its sample"
    certify = commands.add_parser("certify", help=text, description=text)
    certify.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    certify.add_argument(
        "--sample",
        type=place,
        required=True,
        metavar="FILE",
        help="sample.json of `provenance audit-sample`, or its folder",
    )
    certify.add_argument(
        "--labels", type=place, required=True, metavar="FILE", help="JSON lines or CSV with doc_id and label"
    )
    certify.add_argument(
        "--confidence", type=float, default=0.95, metavar="SHARE", help="of the bound (default: %(default)s)"
    )
    certify.add_argument("--json", action="store_true", help="print the certificate as JSON")
    certify.set_defaults(run=run_certify)


def run_draw(arguments: Arguments) -> int:
    """Draw, and write what is to be labelled."""
    from provenance.audit.label_page import label_page
    from provenance.audit.labels import write_sample
    from provenance.audit.sample import draw_sample
    from provenance.release.manifest import read_manifest

    storage = storage_of(arguments.release)
    drawn = draw_sample(storage, arguments.release, arguments.size, arguments.seed)
    fingerprint = read_manifest(storage, arguments.release)["fingerprint"]
    sample = {"release_fingerprint": fingerprint, **drawn.as_json()}
    written = write_sample(sample, Path(arguments.output), label_page(sample))
    count = len(drawn.documents)
    again = f" ({arguments.size:,} draws: who comes up twice counts twice)" if count < arguments.size else ""
    print(f"{count:,} documents to label{again}: open {written[2]} or fill in {written[1]}, then")
    print(f"  provenance certify {arguments.release} --sample {written[0]} --labels FILE")
    return 0


def run_certify(arguments: Arguments) -> int:
    """Print the bound and write it into the release; 1 where the cap is not certified."""
    from provenance.audit.labels import certify_labels, check_release, describe_labels, read_labels
    from provenance.files.ownership import MANIFEST
    from provenance.files.storage import join, read_bytes, write_bytes
    from provenance.release.manifest import read_manifest, write_json

    if not 0.5 <= arguments.confidence < 1:
        raise UsageError(
            f"--confidence {arguments.confidence}: write a number from 0.5 to below 1, such as 0.95"
        )
    storage = storage_of(arguments.release)
    manifest = read_manifest(storage, arguments.release)
    path = arguments.sample  # the file, or the folder that audit-sample made
    path = join(path, "sample.json") if os.path.isdir(path) else path
    try:
        sample = json.loads(read_bytes(storage, path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{path}: cannot be read as a sample ({error})") from error
    check_release(sample, manifest)
    labels = read_labels(arguments.labels)
    cap = manifest["synthetic"]["max_synthetic"]
    found = certify_labels(sample, labels, cap, arguments.confidence)
    manifest["labels"] = found
    with telling_of_old_signature(storage, arguments.release):
        write_bytes(storage, join(arguments.release, MANIFEST), write_json(manifest))
    print(json.dumps(found, indent=1) if arguments.json else describe_labels(found))
    return 0 if found["certified"] else 1
