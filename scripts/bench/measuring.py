"""What the benchmarks share: processor time with child processes, peak memory, fresh processes, watched ones, the crawl."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

SHARED = Path(os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CRAWL = SHARED / "data/web/crawl"


def processor(child: int | None = None) -> float:
    """Seconds of processor time of this process, of those it waited for, and of one that still runs."""
    own, waited = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime
    return seconds + (_processor_of(child) if child is not None else 0)


def processor_with_children() -> float:
    """The same with all children that still run."""
    processes = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return processor() + sum(_processor_of(child) for child in processes if _parent_of(child) == os.getpid())


def _parent_of(process: int) -> int:
    try:
        return int(_stat(process)[1])
    except FileNotFoundError:  # it has just ended
        return 0


def _stat(process: int) -> list[str]:
    """Fields of /proc/N/stat from the third on: the second may hold spaces."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _processor_of(process: int) -> float:
    fields = _stat(process)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def best(repeats: int, measure: Callable[[], float]) -> float:
    """The least of several measurements: what the machine's other work adds is not ours."""
    return min(measure() for _ in range(repeats))


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """The most bytes that it ever had (not ru_maxrss, which counts the parent's before the exec)."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


@dataclass
class Watched:
    """A command, and what its processes held at most: the largest one and all together, in bytes.

    Memory that several processes share counts in parts, as the system reckons it (`Pss`), and is looked at twice a second.
    """

    largest: int = 0
    together: int = 0
    ended: int | None = None

    def run(self, command: Sequence[str], until: Callable[[], bool] = lambda: False) -> None:
        """Run it until it ends, or `until` says that all its processes are to be killed (`ended` is None).

        Raises RuntimeError with the last that it said where it fails.
        """
        with tempfile.TemporaryFile() as said:
            self._run(command, until, said)
            if self.ended:
                said.seek(max(0, said.tell() - 2_000))
                last = said.read().decode(errors="replace")
                raise RuntimeError(f"{' '.join(command)} ended with {self.ended}:\n{last}")

    def _run(self, command: Sequence[str], until: Callable[[], bool], said: IO[bytes]) -> None:
        process = subprocess.Popen(command, start_new_session=True, stdout=said, stderr=said)
        while self.ended is None:
            try:
                self.ended = process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                held = [_share(child) for child in _group(process.pid)]
                self.largest, self.together = max([self.largest, *held]), max(self.together, sum(held))
                if until():
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return


def _group(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                if os.getpgid(int(path.name)) == leader:
                    found.append(int(path.name))
            except ProcessLookupError:  # it has just ended
                continue
    return found


def _share(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * int(text.split("\nPss:")[1].split()[0]) if "\nPss:" in text else 0


def in_fresh_process(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON object that a module prints as its last line, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def need_crawl() -> Path:
    """The shared crawl, or the end of this script with a message."""
    if not CRAWL.is_dir():
        sys.exit(f"{CRAWL}: not there; set PROVENANCE_SHARED to the folder that holds data/web/crawl")
    return CRAWL
