"""`provenance sign`: sign the manifest of a release, which seals all of its files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of

if TYPE_CHECKING:
    from provenance.files.storage import Storage


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "sign the manifest of a release with an Ed25519 key"
    parser = commands.add_parser("sign", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    parser.add_argument("--key", required=True, metavar="FILE", help="private Ed25519 key (PEM or OpenSSH)")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Write the signature and say by which key it can be checked."""
    from provenance.release.sign import SIGNATURE, read_private_key, sign_release

    release = arguments.release
    fingerprint = sign_release(storage_of(release), release, read_private_key(arguments.key))
    print(f"{release}/{SIGNATURE}: signed by the key {fingerprint}")
    return 0


@contextmanager
def telling_of_old_signature(storage: Storage, release: str) -> Iterator[None]:
    """Say on standard error that a signature holds no more, where there is one and the block writes another manifest."""
    from provenance.files.ownership import MANIFEST
    from provenance.files.storage import join, read_bytes
    from provenance.release.sign import SIGNATURE

    path = join(release, MANIFEST)
    if storage.info(join(release, SIGNATURE)) is None or storage.info(path) is None:
        yield
        return
    before = read_bytes(storage, path)
    yield
    if read_bytes(storage, path) != before:
        print(
            f"{release}: its manifest has changed, so {SIGNATURE} does not hold any more; sign it again (provenance sign)",
            file=sys.stderr,
        )
