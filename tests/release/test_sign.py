"""A signed manifest is known by its key; a manifest or a key that was exchanged is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from provenance.files.storage import LocalStorage
from provenance.release.manifest import write_json
from provenance.release.sign import SIGNATURE
from provenance.release.verify import verify
from tests.program import run
from tests.release.described import manifest_of


@pytest.fixture
def copy(demo_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo_release, tmp_path / "copy"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with a key in every form that is read, another one, and one of another kind."""
    own, other = (ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (1, 2))
    folder = tmp_path / "keys"
    folder.mkdir()
    for name, form in (("pem", PrivateFormat.PKCS8), ("ssh", PrivateFormat.OpenSSH)):
        (folder / f"own.{name}").write_bytes(own.private_bytes(Encoding.PEM, form, NoEncryption()))
    public = own.public_key()
    (folder / "own.pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (folder / "own.ssh.pub").write_bytes(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    (folder / "other.pub").write_bytes(
        other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    encrypted = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (folder / "encrypted.pem").write_bytes(encrypted)
    curve = ec.generate_private_key(ec.SECP256R1())
    (folder / "curve.pem").write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder


@pytest.mark.parametrize("private", ["own.pem", "own.ssh"])
@pytest.mark.parametrize("public", ["own.pub", "own.ssh.pub", "own.pem"])
def test_a_signature_is_known_by_its_key(copy: Path, keys: Path, private: str, public: str) -> None:
    assert run("sign", copy, "--key", keys / private).code == 0
    ended = run("verify", copy, "--part", "croissant.json", "--key", keys / public)
    assert ended.code == 0 and "signed by the key" in ended.out
    assert len((copy / SIGNATURE).read_bytes()) == 64


def test_signing_again_gives_the_same_bytes_and_the_release_still_verifies(copy: Path, keys: Path) -> None:
    run("sign", copy, "--key", keys / "own.pem")
    before = (copy / SIGNATURE).read_bytes()
    run("sign", copy, "--key", keys / "own.ssh")
    assert (copy / SIGNATURE).read_bytes() == before
    ended = run("verify", copy)
    assert ended.code == 0 and "the manifest is signed" in ended.out


def test_another_key_an_exchanged_manifest_and_no_signature_are_told_apart(copy: Path, keys: Path) -> None:
    ended = run("verify", copy, "--key", keys / "own.pub")
    assert ended.code == 1 and "is not signed" in ended.out
    run("sign", copy, "--key", keys / "own.pem")
    ended = run("verify", copy, "--key", keys / "other.pub")
    assert ended.code == 1 and "another key signed it" in ended.out
    from provenance.release.manifest import write_json

    (copy / "manifest.json").write_bytes(write_json({**manifest_of(copy), "fingerprint": "0" * 32}))
    ended = run("verify", copy, "--key", keys / "own.pub")
    assert ended.code == 1 and "was changed after it was signed" in ended.out


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("curve.pem", "a key of another kind, not Ed25519"),
        ("own.pub", "is no private key"),
        ("missing.pem", "cannot be read"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_with_what_to_do(
    copy: Path, keys: Path, key: str, said: str
) -> None:
    ended = run("sign", copy, "--key", keys / key)
    assert ended.code == 2 and said in ended.err
    assert not (copy / SIGNATURE).exists()


def test_an_encrypted_key_asks_for_its_passphrase(
    copy: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "secret")
    assert run("sign", copy, "--key", keys / "encrypted.pem").code == 0
    monkeypatch.setattr("getpass.getpass", lambda prompt: "wrong")
    assert run("sign", copy, "--key", keys / "encrypted.pem").code == 2
    assert verify(LocalStorage(), str(copy)) == []


def test_publish_signs_and_a_key_that_cannot_is_refused_before_any_work(
    demo_release: Path, keys: Path, tmp_path: Path
) -> None:
    workspace = shutil.copytree(f"{demo_release}.workspace", tmp_path / "workspace")
    arguments = ("publish", "--workspace", workspace, "--output", tmp_path / "out", "--quiet", "--sign")
    assert run(*arguments, keys / "curve.pem").code == 2
    assert not (tmp_path / "out").exists()
    assert run(*arguments, keys / "own.pem").code == 0
    assert run("verify", tmp_path / "out", "--key", keys / "own.pub").code == 0
    assert run(*arguments, keys / "own.pem").code == 0  # nothing to publish, and still signed
    assert (tmp_path / "out" / SIGNATURE).exists()


def test_who_writes_another_manifest_is_told_that_its_signature_holds_no_more(copy: Path, keys: Path) -> None:
    assert run("sign", copy, "--key", keys / "own.pem").code == 0
    (copy / "report.html").write_text("changed")
    assert run("report", copy).err == "", "the page is what it was, and so is the manifest"
    manifest = manifest_of(copy)
    manifest["files"] = [item for item in manifest["files"] if item["path"] != "report.html"]
    (copy / "manifest.json").write_bytes(write_json(manifest))
    assert run("sign", copy, "--key", keys / "own.pem").code == 0
    ended = run("report", copy)
    assert ended.code == 0 and "sign it again" in ended.err
    assert run("verify", copy, "--key", keys / "own.pub").code == 1
