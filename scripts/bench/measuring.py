"""What the benchmarks share: processor time with child processes, peak memory, fresh processes, the crawl."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
