"""How many local workers a command has: where none are asked for as many as the machine bears, and no more than there is work for.

The answer changes how fast a command is and nothing else: any number of workers writes the same bytes (promise 5).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

#: What a local worker has to have so that it is worth what it loads, a third of a second of processor time to annotate and half a
#: second later: stored bytes to annotate (some 3 s of work for 8 MB; with 5 MB two workers took longer than one), and documents
#: for later stages (25 to 100 µs each; of 16,000 two workers did not gain what they cost).
LEAST_BYTES, LEAST_DOCUMENTS = 8 << 20, 20_000
#: What a worker may come to hold beside what it shares, with room to spare, and what the command itself holds, in bytes
#: (docs/measured.md#what-memory-is-made-of).
WORKER_BYTES, COMMAND_BYTES = 512 << 20, 1 << 30
#: What Linux says of a control group: quota and period of processor time, and memory, in the second form of groups and in the first.
_QUOTAS = (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
_LIMITS = ("memory.max", "memory.limit_in_bytes")


def local_workers(beam_options: Sequence[str] = (), root: Path = Path("/")) -> int:
    """One for each core that this process may use and that there is memory for; 1 where workers cannot be forked or Beam's options say how to run."""
    if sys.platform != "linux" or beam_options:
        return 1
    cores: float = len(os.sched_getaffinity(0))
    for group, names in product(_groups(root, "cpu"), _QUOTAS):
        with suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = " ".join((group / name).read_text() for name in names).split()
            if int(quota) > 0:  # "max" is no number, and -1 no limit
                cores = min(cores, int(quota) / int(period))
    fit = (_free_memory(root) - COMMAND_BYTES) // WORKER_BYTES
    return max(1, min(int(cores), fit))


def worth(workers: int, work: int, least: int) -> int:
    """No more than have at least so much of this work; `PROVENANCE_ALL_WORKERS` lets all of them work."""
    return workers if os.environ.get("PROVENANCE_ALL_WORKERS") else max(1, min(workers, work // least))


def _free_memory(root: Path) -> int:
    """Bytes that new processes can take without swapping, at most what the control groups may hold."""
    free = sys.maxsize
    with suppress(OSError, ValueError, IndexError):
        text = (root / "proc/meminfo").read_text()
        free = int(text.split("MemAvailable:")[1].split()[0]) << 10
    for group, name in product(_groups(root, "memory"), _LIMITS):
        with suppress(OSError, ValueError):
            free = min(free, int((group / name).read_text()))
    return free


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The control groups that limit this process in what a controller divides, each with all above it, as their limits count too.

    A container sees its own group as the topmost; a service of systemd and a job of Slurm see the machine's there.
    """
    own = {"": "", controller: ""}  # the second form has one tree for all controllers, the first one for each
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(",") or not controllers:
                own[controller if controllers else ""] = path
    for tree, path in own.items():
        parts = path.strip("/").split("/")
        yield from (root.joinpath("sys/fs/cgroup", tree, *parts[:depth]) for depth in range(len(parts) + 1))
