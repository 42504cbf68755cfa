"""White space at line ends: what spells something is reported, what editors and writers leave is not."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from provenance.annotators.marks.annotator import Marks
from provenance.annotators.marks.line_ends import find_coded_line_ends, line_ends


def found(text: str) -> int:
    return int(find_coded_line_ends(pa.array([text], pa.large_string()), np.ones(1, np.bool_))[0])


def coded(message: str, zero: str = " ", one: str = "\t", on_a_line: int = 1, end: str = "\n") -> str:
    """A text whose line ends spell `message`, so many bits each."""
    bits = [one if bit == "1" else zero for byte in message.encode() for bit in f"{byte:08b}"]
    runs = ["".join(bits[k : k + on_a_line]) for k in range(0, len(bits), on_a_line)]
    return end.join(f"Line {k} of a text.{run}" for k, run in enumerate(runs))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("zero", "one"), [(" ", "\t"), (" ", "\u00a0"), ("\u2009", "\u2002"), ("\t", "\u3000")]
)
@pytest.mark.parametrize("on_a_line", [1, 4, 8])
def test_two_kinds_of_white_space_that_spell_something_are_found(
    zero: str, one: str, on_a_line: int, end: str
) -> None:
    text = coded("hidden", zero, one, on_a_line, end)
    assert found(text) == len("Line 0 of a text.")
    assert "".join(line_ends(text)).count(one) == "".join(f"{b:08b}" for b in b"hidden").count("1")


def test_blanks_between_tabs_as_snow_writes_them_are_found() -> None:
    choose = random.Random(0)
    lines = ["\t" + "\t".join(" " * choose.randrange(8) for _ in range(5)) for _ in range(6)]
    assert found("\n".join(f"Line.{run}" for run in lines)) == len("Line.")


HONEST = {
    "Markdown's line breaks": "A line  \n" * 40,
    "a stray blank here and there": "\n".join(f"Line {k}" + (" " if k % 3 else "") for k in range(60)),
    "one, two or three blanks": "\n".join(f"Line {k}" + " " * (k % 4) for k in range(60)),
    "indentation of empty lines": "def f():\n    pass\n    \n\t\t\n  \t\n" * 30,
    "one line of a table": "a \tb \t c \t \t \t \t \t \t \t \t \t \t \nend",
    "the same mixture everywhere": "A cell \t\n" * 40,
    "a few tabs among blanks": "\n".join(f"Line {k}" + ("\t" if k % 20 == 0 else " ") for k in range(40)),
    "blanks at the line ends of Windows": "A line \r\n" * 40,
    "nothing": "",
}


@pytest.mark.parametrize("name", HONEST)
def test_what_editors_and_writers_leave_is_not(name: str) -> None:
    assert found(HONEST[name]) == -1


def test_the_annotator_says_what_is_spelt_and_where() -> None:
    text = "Größe\n" + coded("see you")
    marks, evidence = Marks()(
        pa.record_batch({"text": pa.array([text, "Nothing \nhere."], pa.large_string())})
    )
    (signal,) = marks[0].as_py()
    assert signal == {
        "signal": "trailing-whitespace",
        "value": "56 characters on 56 lines: see you",
        "where": f"char {len('Größe') + 1 + len('Line 0 of a text.')}",
    }
    assert marks[1].as_py() == [] and evidence[0].as_py() == []


def test_rows_are_judged_each_by_itself_wherever_the_array_begins() -> None:
    texts = pa.array(
        ["plain", coded("one"), None, *(coded("more") for _ in range(2))], pa.large_string()
    ).slice(1)
    use = np.asarray(texts.is_valid())
    assert find_coded_line_ends(texts, use).tolist() == [17, -1, 17, 17]
