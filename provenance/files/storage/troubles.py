"""What an error of a store means, in words for the person who has to mend it, and whether it passes by itself.

The libraries that speak to stores raise a dozen families of errors; they are told apart by what they carry, not
by their classes, so that none of those libraries is imported here.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass

from provenance.errors import DataError
from provenance.files.storage.addresses import SCHEMES, scheme_of


class StoreError(DataError, OSError):
    """A store that does not do what it is asked; the message says which place, why, and what to do."""


class ShortRead(Exception):
    """Fewer bytes came than were asked for: the connection was cut."""


@dataclass(frozen=True)
class Trouble:
    """What went wrong.

    Attributes:
        kind: "missing" (no such file), "container" (no such bucket), "refused" (credentials), "passing" (it may be
            better in a while), "other".
        said: what the store said, in a few words.
    """

    kind: str
    said: str


_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_PASSING_CODES = frozenset(
    "SlowDown ServiceUnavailable InternalError RequestTimeout Throttling ThrottlingException TooManyRequests "
    "TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded OperationAborted".split()
)
_REFUSED_CODES = frozenset(
    "AccessDenied InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken TokenRefreshRequired "
    "RequestTimeTooSkewed AllAccessDisabled AccountProblem NotSignedUp Forbidden".split()
)
#: Errors by which connections break, by the names of their classes in botocore, aiohttp, httpx, requests and fsspec.
_PASSING_NAMES = frozenset(
    "HTTPClientError FSTimeoutError ClientPayloadError ClientConnectionError ClientOSError TransportError "
    "IncompleteReadError ResponseStreamingError ChunkedEncodingError ProxyError ChecksumError ShortRead "
    "ContentLengthError".split()
)
_REFUSED_NAMES = frozenset(
    "NoCredentialsError PartialCredentialsError CredentialRetrievalError ProfileNotFound DefaultCredentialsError "
    "RefreshError GatedRepoError TokenRetrievalError UnauthorizedSSOTokenError".split()
)
_PASSING_NUMBERS = frozenset({errno.EBUSY, errno.EREMOTEIO, errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT})
_MOST_SAID = 200


def diagnose(error: BaseException) -> Trouble:
    """What an error of a store, with all that it was raised from, comes down to."""
    found = list(_chain(error))
    names = {kind.__name__ for item in found for kind in type(item).__mro__}
    status, code = _answer(found)
    said = _said(found, status, code)
    if "RepositoryNotFoundError" in names or code == "NoSuchBucket":
        return Trouble("container", said)
    if status in (401, 403) or code in _REFUSED_CODES or names & _REFUSED_NAMES:
        return Trouble("refused", said)
    if isinstance(error, OSError) and str(error).startswith("Forbidden"):  # so gcsfs
        return Trouble("refused", said)
    if status in _PASSING_STATUS or code in _PASSING_CODES:
        return Trouble("passing", said)
    if status == 404 or code in ("NoSuchKey", "404"):
        return Trouble("missing", said)
    if any(isinstance(item, ConnectionError | TimeoutError) for item in found) or names & _PASSING_NAMES:
        return Trouble("passing", said)
    if isinstance(error, FileNotFoundError):
        return Trouble("missing", said)
    if isinstance(error, PermissionError):
        return Trouble("refused", said)
    if isinstance(error, OSError) and error.errno in _PASSING_NUMBERS:
        return Trouble("passing", said)
    return Trouble("other", said)


def explained(path: str, doing: str, trouble: Trouble) -> OSError:
    """The error to raise for a trouble that does not pass: `doing` is what could not be done, as "read"."""
    name = scheme_of(path)
    scheme = SCHEMES.get(name)
    container = f"{name}://{path.split('://', 1)[1].split('/')[0]}"
    if trouble.kind == "missing":
        return FileNotFoundError(errno.ENOENT, "no such object", path)
    if trouble.kind == "container":
        what = "repository (or it is private and needs HF_TOKEN)" if name == "hf" else "bucket"
        place = path if name == "hf" else container
        return StoreError(f"{place}: there is no such {what}; check its name and the account that is used")
    if trouble.kind == "refused":
        where = f"; credentials come from {scheme.credentials}" if scheme else ""
        return StoreError(
            f"{path}: cannot be {doing}: the store refused the credentials, or they do not allow it ({trouble.said}){where}"
        )
    return StoreError(f"{path}: cannot be {doing}: {trouble.said}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set()
    item: BaseException | None = error
    while item is not None and id(item) not in seen:
        seen.add(id(item))
        yield item
        item = item.__cause__ or item.__context__


def _answer(found: list[BaseException]) -> tuple[int | None, str | None]:
    """HTTP status and code of the answer behind an error, where one came."""
    for item in found:
        response = getattr(item, "response", None)
        if isinstance(response, dict):  # botocore
            code = str(response.get("Error", {}).get("Code", "")) or None
            return _number(response.get("ResponseMetadata", {}).get("HTTPStatusCode")) or _number(code), code
        for holder, attribute in ((response, "status_code"), (item, "status"), (item, "code")):
            status = _number(getattr(holder, attribute, None))
            if status is not None:
                return status, None
    return None, None


def _number(value: object) -> int | None:
    """An HTTP status, of whatever type."""
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if re.fullmatch(r"[1-5]\d\d", text) else None


def _said(found: list[BaseException], status: int | None, code: str | None) -> str:
    words = next((line for item in found for line in str(item).splitlines() if line.strip()), "")
    words = re.sub(r"^\[Errno -?\d+\] ", "", words)
    answer = " ".join(str(part) for part in (status, code if code != str(status) else None) if part)
    text = (
        f"{answer}: {words}" if answer and answer not in words else words or answer or type(found[0]).__name__
    )
    return text[:_MOST_SAID]
