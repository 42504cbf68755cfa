"""Command-line parsers that tell a person which flag or name was probably meant."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from provenance.errors import suggestion

Arguments: TypeAlias = argparse.Namespace
#: What a command's parser is added to.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)$", re.DOTALL)
#: An argument that argparse takes for a flag; numbers below zero and a lone - are values.
_FLAG = re.compile(r"--[A-Za-z][\w-]*|-[A-Za-z][\w-]*")


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations; of a flag or choice that it does not know it names the nearest that it does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Arguments | None = None
    ) -> tuple[Arguments, list[str]]:
        """Refuse an unknown flag before anything else: what looks missing was most often only misspelt."""
        for argument in args or ():
            flag = _FLAG.match(argument)
            if self._subparsers is not None and not argument.startswith("-"):
                break  # the rest is a command's own
            if flag and " " not in argument and flag[0] not in self._option_string_actions:
                self.error(
                    f"unrecognized argument: {argument}{suggestion(flag[0], self._option_string_actions)}"
                )
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> Any:
        found = _CHOICE.search(message)
        if found:
            message += suggestion(found["given"], re.findall(r"[\w-]+", found["known"]))
        super().error(message)


def rate(text: str) -> float:
    """A number between 0 and 1, both excluded."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, not {text!r}")
    return value


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def whole(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def part(text: str) -> tuple[int, int]:
    """A part of several, as 2/5."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
    number, total = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= total:
        raise argparse.ArgumentTypeError(f"must be a part of all, such as 2/5, not {text!r}")
    return number, total
