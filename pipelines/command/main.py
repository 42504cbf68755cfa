"""The `provenance` command: arguments in, exit code out (0 fine, 1 finding or failure, 2 bad usage).

A command imports what it runs when it runs, so that `provenance --help` and the small commands start at once.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from pipelines.command import (
    audit,
    calibrate,
    curate,
    demo,
    diff,
    explain,
    export,
    fetch,
    labels,
    report,
    score,
    sign,
    stages,
    verify,
    watermark,
    witness,
)
from pipelines.command import list as listing
from pipelines.command.interruption import Interruption
from pipelines.command.parser import Arguments, Parser
from pipelines.outputs import UnsaidError, take_standard_files
from provenance import __version__
from provenance.errors import DataError, UsageError, no_room

#: In the order in which --help lists them.
_COMMANDS = (
    curate,
    stages,
    demo,
    witness,
    verify,
    sign,
    explain,
    fetch,
    listing,
    report,
    diff,
    export,
    audit,
    labels,
    score,
    calibrate,
    watermark,
)

#: What Beam adds to a message: the step of the graph.
_STEP = re.compile(r"\s*\[while running '[^']*'\]\s*$")


#: What is said of memory that the system does not give, by it and by what is loaded (MemoryError has no words).
_NO_MEMORY = re.compile(
    r"MemoryError|Cannot allocate memory|failed to map segment|malloc of size|can't start new thread"
)

#: Objects between two searches for cycles: imports make very many and no cycle among them. The usual 700 cost a curate of one
#: document 6.2 s of processor time instead of 5.7.
_GARBAGE = (20_000, 20, 50)


#: Which of its allocators Arrow uses, where nobody says it: the system's keeps less of what was given back, and is as fast
#: (docs/measured.md, what memory is made of). Arrow reads it when it is loaded.
_ALLOCATOR = ("ARROW_DEFAULT_MEMORY_POOL", "system")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the console script `provenance`."""
    if sys.platform == "linux":
        os.environ.setdefault(*_ALLOCATOR)
    # Beam warns on import of every optional cloud library that is not installed.
    logging.getLogger().setLevel(logging.ERROR)
    try:
        arguments = _parse(list(sys.argv[1:] if argv is None else argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    return _run(arguments)


def program() -> NoReturn:
    """The command as a process of its own, which ends with what `main` returns.

    The interpreter is not taken apart at the end: a thread of Arrow's that lets go of a buffer of Python's in that moment
    aborts the process (3 to 7 of 100 short calls on Python 3.11), after all of its work is done.
    """
    gc.set_threshold(*_GARBAGE)
    take_standard_files()
    status = main()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone: nothing left to say
        status = 128 + signal.SIGPIPE
    except OSError as error:
        status = _complain(_unsaid(error), 1)
    sys.stderr.flush()
    os._exit(status)


def add_commands(parser: Parser) -> Mapping[str, argparse.ArgumentParser]:
    """Give a parser every command; the commands by their names."""
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.add_to(commands)
    return commands.choices


def _parse(argv: list[str]) -> Arguments:
    beam_options: list[str] = []
    if "--" in argv:
        at = argv.index("--")
        argv, beam_options = argv[:at], argv[at + 1 :]
    parser = Parser(
        prog="provenance",
        description="Curate web crawls with provenance, calibrated synthetic-text scores and a certified cap.",
    )
    parser.add_argument("--version", action="version", version=f"provenance {__version__}")
    add_commands(parser)
    arguments = parser.parse_args(argv, argparse.Namespace(beam_options=beam_options, takes_beam=False))
    if beam_options and not arguments.takes_beam:
        parser.error(f"{arguments.command} runs no pipeline and takes no Beam options after --")
    return arguments


def _run(arguments: Arguments) -> int:
    interruption = Interruption()
    try:
        with interruption.watched():
            return int(arguments.run(arguments))
    except UsageError as error:
        return _complain(error, 2)
    except DataError as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        return _say_interrupted(arguments.takes_beam)
    except BrokenPipeError:  # the reader of our output has gone: nothing left to say
        _say_no_more()
        return 128 + signal.SIGPIPE
    except Exception as error:
        if interruption.happened:  # wrapped by whatever it struck in
            return _say_interrupted(arguments.takes_beam)
        if os.environ.get("PROVENANCE_TRACEBACK"):
            raise
        return _fail(error, arguments.takes_beam, getattr(arguments, "output", None))


def _say_interrupted(resumes: bool) -> int:
    again = "; run the same command again to go on where it stopped" if resumes else ""
    print(f"interrupted{again}", file=sys.stderr)
    return 128 + signal.SIGINT


def _complain(error: Exception, code: int) -> int:
    for line in str(error).splitlines():
        print(f"error: {_STEP.sub('', line)}", file=sys.stderr)
    return code


def _say_no_more() -> None:
    """What still waits to be written on standard output goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unsaid(error: OSError) -> DataError:
    return DataError(f"what was to be said could not be written: {error.strerror}")


def _fail(error: Exception, resumes: bool, output: str | None = None) -> int:
    """Something that no message was written for: its last line, and how to see the rest."""
    if isinstance(error, UnsaidError):
        _say_no_more()
        return _complain(_unsaid(error), 1)
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        print(
            f"error: there is not enough memory (or room for threads): give the command more{', or fewer --workers' if resumes else ''}",
            file=sys.stderr,
        )
        return 1
    if isinstance(error, OSError) and (why := no_room(error)):
        print(f"error: {error.filename or output or 'the disk'}: {why}", file=sys.stderr)
        return 1
    if isinstance(error, OSError) and error.filename and error.strerror and not resumes:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    # Beam hands on a worker's whole traceback as text; its last line is what went wrong.
    # The step stands behind it, on a line of its own where the message ended one.
    lines = [line for line in _STEP.sub("", str(error)).splitlines() if line.strip()] or [
        type(error).__name__
    ]
    print(f"error: {lines[-1]}", file=sys.stderr)
    kept = (
        "what is finished is kept: run the same command again to go on where it stopped, or "
        if resumes
        else ""
    )
    print(f"{kept}with PROVENANCE_TRACEBACK=1 to see the traceback", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
