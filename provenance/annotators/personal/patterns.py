"""Personal data and secrets in a text: where they stand, each confirmed by more than its looks where that is possible.

Numbers are checked: telephone numbers against the numbering plans that phonenumbers keeps, accounts and cards by their
check digits, internet addresses by whether they are public. Every pattern is bounded, so time grows with the text alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple


class Span(NamedTuple):
    """text[start:stop] is one piece of personal data or a secret."""

    start: int
    stop: int
    kind: str


#: RFC 5321, 4.5.3.1: at most 64 characters before the @, 63 in a label. Quoted and international ones are left out.
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_][A-Za-z0-9._%+'-]{0,63}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{0,39}::|(?:[0-9A-Fa-f]{1,4}:){7})[0-9A-Fa-f:]{3,39}(?![\w:])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_CARD = re.compile(r"(?<![\d.,+-])\d(?:[ -]?\d){12,18}(?!\d)")
_PHONE = re.compile(r"(?<![\w.,/=-])(?:\+|\(?\d)[\d ()/.\u00a0\u2010-\u2015-]{5,22}\d(?!\w)")
#: A number without + is one only if it is written as one: a trunk 0, an area code in brackets or American groups.
_NATIONAL = re.compile(r"\(?0\d|\(\d|[2-9]\d\d[-. ]\d\d\d[-. ]\d{4}$")
_LABEL = re.compile(
    r"(?:tel|phone|fon|call|fax|mobile?|handy|cell|whats ?app|тел|電話|전화)[a-zé]{0,8}\W{0,4}$",
    re.IGNORECASE,
)
#: Formats of keys and tokens that their issuers document so that they can be found (AWS, GitHub, GitLab, Slack, Google,
#: Stripe, OpenAI, Anthropic, npm, PyPI, SendGrid, Hugging Face), JSON Web Tokens (RFC 7519) and private keys (RFC 7468).
_SECRET = re.compile(
    r"(?<![A-Za-z0-9_])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|glpat-[A-Za-z0-9_-]{20,64}|xox[abprs]-[A-Za-z0-9-]{10,250}|AIza[A-Za-z0-9_-]{35}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{24,250}|sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32,250}|npm_[A-Za-z0-9]{36}"
    r"|pypi-[A-Za-z0-9_-]{50,500}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|hf_[A-Za-z0-9]{34}"
    r"|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,2000})(?![A-Za-z0-9_])"
    r"|-----BEGIN (?:[A-Z]{2,20} ){0,3}PRIVATE KEY-----[A-Za-z0-9+/=,:\s-]{0,10000}(?:-----END (?:[A-Z]{2,20} ){0,3}PRIVATE KEY-----)?"
)
#: What a text must hold for a kind to be looked for at all (RE2, which is linear): most texts are not read further.
HINTS = {
    "email": r"[A-Za-z0-9._%+'-]@[A-Za-z0-9]",
    "phone": "[+(][0-9]|[0-9][0-9 ()/.\u00a0\u2010-\u2015-]{5}",
    "ip": r"\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f]:[0-9A-Fa-f:]{1,35}:[0-9A-Fa-f]|::[0-9A-Fa-f]|[0-9A-Fa-f]::",
    "iban": r"[A-Z][A-Z]\d\d(?: ?[A-Z0-9]){11}",
    "card": r"(?:\d[ -]?){12}\d",
    "secret": r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|AIza|k_live_|k_test_|sk-|npm_|pypi-|SG\.|hf_|eyJ|PRIVATE KEY",
}
#: Registered lengths (SWIFT IBAN registry, release 99).
_IBAN_LENGTHS = {
    code: int(length)
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL OM SO", 24: "AD CZ ES MD PK RO SA SE SK TN VG DJ",
        25: "LY PT ST", 26: "IS TR", 27: "BI FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
#: Where a number without country code is read as one of: the country with most speakers of the language online.
_REGIONS = {
    "en": "US", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "pt": "BR", "nl": "NL", "pl": "PL", "ru": "RU", "uk": "UA",
    "cs": "CZ", "sk": "SK", "sv": "SE", "da": "DK", "no": "NO", "nb": "NO", "fi": "FI", "hu": "HU", "ro": "RO", "bg": "BG",
    "el": "GR", "tr": "TR", "ja": "JP", "ko": "KR", "zh": "CN", "vi": "VN", "th": "TH", "id": "ID", "hi": "IN", "ar": "SA",
    "he": "IL", "fa": "IR",
}  # fmt: skip
#: Telephone numbers that are validated in one text; what looks like one after that is taken for one (0.1 ms each).
_MOST_VALIDATED = 10_000


def find_personal(text: str, kinds: tuple[str, ...], language: str | None = None) -> list[Span]:
    """All personal data and secrets of the kinds, in order; where two overlap the one of the kind that stands first wins.

    The order is secret, email, iban, card, ip, phone.
    """
    taken: list[Span] = []
    for kind, find in _FINDERS.items():
        if kind in kinds:
            found = [Span(start, stop, kind) for start, stop in find(text, language)]
            taken = _merged(taken, found)
    return taken


def _merged(taken: list[Span], found: list[Span]) -> list[Span]:
    """Both lists in order, without what of the second overlaps the first."""
    result: list[Span] = []
    at = 0
    for span in found:
        while at < len(taken) and taken[at].stop <= span.start:
            result.append(taken[at])
            at += 1
        if at == len(taken) or span.stop <= taken[at].start:
            result.append(span)
    return sorted([*result, *taken[at:]])


def _emails(text: str, _: str | None) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        yield match.span()


def _secrets(text: str, _: str | None) -> Iterator[tuple[int, int]]:
    for match in _SECRET.finditer(text):
        yield match.span()


def _ibans(text: str, _: str | None) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(match[0][:2], 0)
        stop = start = match.start()
        seen = ""
        while stop < match.end() and len(seen) < length:
            seen += text[stop].strip()
            stop += 1
        if length and len(seen) == length and not text[stop : stop + 1].isalnum() and _mod97(seen):
            yield start, stop


def _mod97(account: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 13616, ISO 7064 MOD 97-10)."""
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1


def _cards(text: str, _: str | None) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _is_issued(digits) and _luhn(digits):
            yield match.span()


def _is_issued(digits: str) -> bool:
    """Whether a number begins and is as long as those of a card network (ISO/IEC 7812, networks' published ranges)."""
    first2, first3, first4, size = int(digits[:2]), int(digits[:3]), int(digits[:4]), len(digits)
    if digits[0] == "4":
        return size in (13, 16, 19)
    if 51 <= first2 <= 55 or 2221 <= first4 <= 2720:
        return size == 16
    if first2 in (34, 37):
        return size == 15
    if first2 in (36, 38) or 300 <= first3 <= 305:
        return size == 14
    return size == 16 and (
        first4 == 6011 or first2 in (62, 65) or 644 <= first3 <= 649 or 3528 <= first4 <= 3589
    )


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + i % 2) for i, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0 and len(set(digits)) > 1


def _addresses(text: str, _: str | None) -> Iterator[tuple[int, int]]:
    found = [match for pattern in (_IP4, _IP6) for match in pattern.finditer(text)]
    for match in sorted(found, key=lambda match: match.start()):
        try:
            if ipaddress.ip_address(match[0]).is_global:
                yield match.span()
        except ValueError:
            continue


def _phones(text: str, language: str | None) -> Iterator[tuple[int, int]]:
    region = _REGIONS.get(language or "", "US")
    tried = 0
    for match in _PHONE.finditer(text):
        number = match[0]
        if not 7 <= sum(char.isdigit() for char in number) <= 15:
            continue
        plain = number[0] != "+" and not _NATIONAL.match(number)
        if plain and not _LABEL.search(text, max(0, match.start() - 24), match.start()):
            continue
        tried += 1
        if tried > _MOST_VALIDATED or _is_dialled(number, region):
            yield match.span()


@cache
def _library() -> tuple[Callable[..., object], Callable[..., bool], type[Exception]]:
    import phonenumbers

    return phonenumbers.parse, phonenumbers.is_valid_number, phonenumbers.NumberParseException


def _is_dialled(number: str, region: str) -> bool:
    parse, is_valid, error = _library()
    try:
        return is_valid(parse(number, region))
    except error:
        return False


_FINDERS: dict[str, Callable[[str, str | None], Iterator[tuple[int, int]]]] = {
    "secret": _secrets,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
    "phone": _phones,
}
