"""Sign the manifest of a release and check the signature: Ed25519 over its bytes, which seal every other file's digest.

The signature is the 64 raw bytes that `openssl pkeyutl -verify -rawin` reads too; the same key gives the same signature, so
that it is within the promise of same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import DataError, UsageError
from provenance.files.ownership import MANIFEST
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.release.manifest import read_manifest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE = MANIFEST + ".sig"
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out key.pub"


class SignatureError(DataError):
    """A signature that does not fit or is not there; the message says which."""


def sign_release(storage: Storage, release: str, private: Ed25519PrivateKey) -> str:
    """Write the signature beside the manifest of a finished release; the fingerprint of the key.

    Raises:
        ReleaseError: where there is no finished release.
    """
    read_manifest(storage, release)
    signature = private.sign(read_bytes(storage, join(release, MANIFEST)))
    write_bytes(storage, join(release, SIGNATURE), signature)
    return key_fingerprint(private.public_key())


def check_signature(storage: Storage, release: str, key: str) -> str:
    """The fingerprint of the key by which the manifest is signed.

    Raises:
        SignatureError: where the manifest is not signed, or not by this key.
        UsageError: for a file that is no public Ed25519 key.
    """
    from cryptography.exceptions import InvalidSignature

    public, path = read_public_key(key), join(release, SIGNATURE)
    if storage.info(path) is None:
        raise SignatureError(
            f"{release}: is not signed: there is no {SIGNATURE} (provenance sign RELEASE --key FILE)"
        )
    try:
        public.verify(read_bytes(storage, path), read_bytes(storage, join(release, MANIFEST)))
    except InvalidSignature:
        raise SignatureError(
            f"{path}: is not the signature of this manifest by the key in {key}: the manifest was changed after it was signed, "
            "or another key signed it"
        ) from None
    return key_fingerprint(public)


def read_private_key(path: str) -> Ed25519PrivateKey:
    """The private key in a PEM or OpenSSH file; one that is encrypted asks for its passphrase.

    Raises:
        UsageError: where there is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    data = _read(path)
    load = load_ssh_private_key if b"BEGIN OPENSSH" in data else load_pem_private_key
    try:
        try:
            found = load(data, None)
        except TypeError:
            from getpass import getpass

            found = load(data, getpass(f"passphrase of {path}: ").encode())
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{path}: is no private key that can be read ({error}); make one with: {_MAKE}"
        ) from error
    if not isinstance(found, Ed25519PrivateKey):
        raise UsageError(f"{path}: is a key of another kind, not Ed25519; make one with: {_MAKE}")
    return found


def read_public_key(path: str) -> Ed25519PublicKey:
    """The public key in a PEM or OpenSSH file, which may also hold the private one.

    Raises:
        UsageError: where there is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

    data = _read(path)
    if b"PRIVATE KEY" in data:
        return read_private_key(path).public_key()
    try:
        found = load_ssh_public_key(data) if data.startswith(b"ssh-") else load_pem_public_key(data)
    except ValueError as error:
        raise UsageError(f"{path}: is no public key that can be read ({error})") from error
    if not isinstance(found, Ed25519PublicKey):
        raise UsageError(f"{path}: is a key of another kind, not Ed25519")
    return found


def key_fingerprint(public: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 bytes of a public key, for a person to compare."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _read(path: str) -> bytes:
    try:
        import cryptography as cryptography
    except ImportError as error:
        raise UsageError(
            "signatures need the package cryptography: pip install 'provenance-pipelines[sign]'"
        ) from error
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
