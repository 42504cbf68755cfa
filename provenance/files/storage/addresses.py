"""Addresses of stores: which schemes there are, what each needs, and which can be written to.

What cannot work is refused here, before any work and without asking a store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

from provenance.errors import UsageError


@dataclass(frozen=True)
class Scheme:
    """A kind of address.

    Attributes:
        module: that reads it.
        extra: of this package that installs it; None: it is always there.
        writable: whether releases and workspaces can lie there.
        container: what comes first in an address.
        credentials: where they are taken from, for a person whose were refused.
    """

    module: str
    extra: str | None
    writable: bool
    container: str
    credentials: str


WEB = ("https", "http")
_WEB = Scheme("aiohttp", None, False, "host", "this program sends none: the address has to be public")
SCHEMES = {
    "s3": Scheme(
        "s3fs", "s3", True, "bucket", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's role"
    ),
    "gs": Scheme(
        "gcsfs", "gcs", True, "bucket", "GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, "
        "or the machine's account"
    ),
    "hf": Scheme("huggingface_hub", None, False, "repository", "HF_TOKEN, or `hf auth login`"),
    "https": _WEB,
    "http": _WEB,
}  # fmt: skip
#: Other spellings.
_ALIASES = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


def is_address(path: str) -> bool:
    """Whether a place is in a store, not on this machine."""
    return "://" in path


def scheme_of(path: str) -> str:
    """The scheme of an address, in its one spelling."""
    name = path.split("://")[0].lower()
    return _ALIASES.get(name, name)


def spelt(path: str) -> str:
    """An address with its scheme in its one spelling; a path as it is."""
    return f"{scheme_of(path)}://{path.split('://', 1)[1]}" if is_address(path) else path


def lists(directory: str) -> bool:
    """Whether a place is in a store that says what it has; a web server does not."""
    return is_address(directory) and scheme_of(directory) not in WEB


def check_address(path: str, writing: bool = False) -> None:
    """Refuse an address that cannot be used, whatever its store says; paths of this machine pass.

    Raises:
        UsageError: the scheme is not known, cannot be written to, lacks its package, or nothing follows it.
    """
    if not is_address(path):
        return
    name = scheme_of(path)
    scheme = SCHEMES.get(name)
    if scheme is None:
        raise UsageError(f"{path}: {name}:// is not supported; {_supported(writing)}")
    if writing and not scheme.writable:
        raise UsageError(f"{path}: {name}:// can only be read; {_supported(writing)}")
    if find_spec(scheme.module) is None:
        extra = f"provenance-pipelines[{scheme.extra}]" if scheme.extra else scheme.module
        raise UsageError(
            f"{path}: needs the package {scheme.module}, which is not installed: pip install '{extra}'"
        )
    if not path.split("://", 1)[1].strip("/"):
        raise UsageError(f"{path}: names no {scheme.container}; write {name}://{scheme.container.upper()}/…")
    if name == "hf" and not re.match(r"datasets/[^/]+/[^/]+", path.split("://", 1)[1]):
        raise UsageError(f"{path}: names no dataset of the hub; write hf://datasets/OWNER/NAME/…")


def _supported(writing: bool) -> str:
    both = ", ".join(f"{name}://" for name, scheme in SCHEMES.items() if scheme.writable)
    read = ", ".join(f"{name}://" for name, scheme in SCHEMES.items() if not scheme.writable)
    also = "" if writing else f" (and to read from: {read})"
    return f"write a path of this machine, or an address with {both}{also}"
