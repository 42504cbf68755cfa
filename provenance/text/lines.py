"""The published form of a text: paragraphs on lines of their own, single spaces, no control characters.

Characters that a reader cannot see but a generator may have left (zero-width, variation selectors, exotic
spaces) stay: the marks annotator reads them before anyone cleans them away.
"""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_BREAK = re.compile("\r\n?|[\x85\u2028\u2029\x0b\x0c]")
_BLANK = re.compile("[ \t\xa0]+")
_EDGE = re.compile(" ?\n[ \n]*")


def tidy(text: str) -> str:
    """One paragraph a line, no empty lines, runs of blanks (space, tab, no-break space) made one space."""
    text = _BLANK.sub(" ", _CONTROL.sub("", _BREAK.sub("\n", text)))
    return _EDGE.sub("\n", text).strip(" \n")


def clean(text: str) -> str:
    """Text that came as text: line ends unified, control characters but tab removed, layout kept."""
    return _CONTROL.sub("", _BREAK.sub("\n", text)).strip("\n")
