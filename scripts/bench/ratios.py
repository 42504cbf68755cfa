"""One table of ratios, ours to peers and floors in one run, each beside its target: `python scripts/bench ratios`.

    python -m scripts.bench.ratios [--repeats 3] [--files NAME...] [--documents N] [--peer PYTHON] [--append docs/measured.md]

Processor time throughout, of child processes too. `--documents`: commands read so many, the files in turns (`repeated`). `--peer` is the Python of an environment with datatrove, Trafilatura and python-magic.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from provenance.annotate import Annotation
from provenance.annotators.text import MainText
from provenance.configuration import Configuration
from scripts.bench import annotate
from scripts.bench.measuring import need_crawl, processor
from scripts.bench.repeated import repeat_crawl

ROOT = Path(__file__).resolve().parents[2]
_REAL, _SMALL = annotate.FILES[:3], annotate.FILES[3]
_PACKAGES = ("numba", "pyarrow", "apache-beam", "fastwarc", "resiliparse")


@dataclass(frozen=True)
class Row:
    """What is measured: ours, what it is compared with, and how their quotient should be."""

    what: str
    ours: float
    beside: float
    target: str  # "≤ 2.5" or "≥ 8", of ours / beside

    @property
    def line(self) -> str:
        sign, _, bound = self.target.partition(" ")
        ratio = self.ours / self.beside if sign == "≤" else self.beside / self.ours
        met = ratio <= float(bound) if sign == "≤" else ratio >= float(bound)
        told = "" if met else " **missed**"
        return f"| {self.what} | {self.ours:.2f} | {self.beside:.2f} | {ratio:.2f} | {self.target} |{told} |"


def stages(names: Sequence[str], repeats: int) -> Iterator[Row]:
    """The annotate stage beside reading and extraction alone: real pages, and pages of 3 KB."""
    crawl = need_crawl()
    annotation = Annotation(Configuration())
    annotation.setup()
    extraction = next(item for item in annotation.page if isinstance(item, MainText))
    annotate.annotate(crawl / _SMALL, annotation, extraction)  # loads what is loaded late
    for what, files, target in (
        ("real pages", [name for name in names if name in _REAL], "≤ 2.5"),
        ("pages of 3 KB", [name for name in names if name == _SMALL], "≤ 4"),
    ):
        ours = beside = 0.0
        for path in (crawl / name for name in files):
            runs = [
                (annotate.annotate(path, annotation, extraction)[0], annotate.baseline(path)[0])
                for _ in range(repeats)
            ]
            ours, beside = ours + min(run[0] for run in runs), beside + min(run[1] for run in runs)
        if files:
            yield Row(f"annotate, {what}, beside fastwarc + resiliparse", ours, beside, target)


def commands(files: Sequence[Path], documents: int | None, peer: str | None) -> Iterator[Row]:
    """Whole commands as processes of their own, with nothing compiled before."""
    for package in ("provenance", "pipelines"):  # an installed package has its bytecode
        compileall.compile_dir(ROOT / package, quiet=1)
    with tempfile.TemporaryDirectory() as place:
        fresh = {**os.environ, "NUMBA_CACHE_DIR": f"{place}/kernels"}
        program = (sys.executable, "-m", "pipelines.command")
        first, _ = _spent(fresh, [*program, "demo", "--output", f"{place}/demo", "--quiet"])
        yield Row("a first `demo`, s", first, 1, "≤ 8")
        left = list(Path(place, "kernels").rglob("*.nbc")) if Path(place, "kernels").exists() else []
        yield Row("kernels that it compiled", len(left), 1, "≤ 0")
        inputs = Path(place, "inputs")
        if documents is None:
            inputs.mkdir()
            for file in files:
                (inputs / file.name).symlink_to(file)
        else:
            repeat_crawl(files, inputs, documents)
        curate = [*program, "curate", str(inputs), "--quiet", "--output"]
        one, alone = _spent(fresh, [*curate, f"{place}/one", "--workers", "1"])
        two, together = _spent(fresh, [*curate, f"{place}/two", "--workers", "2"])
        yield Row("curate by two workers beside one", two, one, "≤ 1.1")
        yield Row("the same, wall time", together, alone, "≥ 1.8")
        _, bound = _spent(fresh, [*curate, f"{place}/bound", "--workers", "1"], cores=1)
        yield Row("two workers beside one that is held to one core, wall time", together, bound, "≥ 1.8")
        if peer is not None:
            script = str(Path(__file__).with_name("_datatrove.py"))
            theirs, _ = _spent(fresh, [peer, script, "pages", str(inputs), "*.warc.gz", f"{place}/peer"])
            yield Row("curate beside datatrove's extraction and MinHash", one, theirs, "≥ 8")


def _spent(
    environment: dict[str, str], command: Sequence[str], cores: int | None = None
) -> tuple[float, float]:
    """Processor and wall seconds of a command, on so many cores at most."""
    before, start, all_cores = processor(), time.perf_counter(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:cores])  # a child has its parent's
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True)
    finally:
        os.sched_setaffinity(0, all_cores)
    return processor() - before, time.perf_counter() - start


def main() -> None:
    """Print the table; with --append also at the end of a document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--files", nargs="+", default=list(annotate.FILES))
    parser.add_argument("--documents", type=int, metavar="N")
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--append", type=Path, metavar="DOCUMENT")
    options = parser.parse_args()
    repeated = f" repeated up to {options.documents:,} documents" if options.documents else ""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    lines = [
        f"Ratios of {date.today():%d %B %Y}: {len(options.files)} files of the crawl{repeated}, {os.cpu_count()} cores of {_processor()}, "
        f"load {os.getloadavg()[0]:.0f}; Python {platform.python_version()}, {versions}.",
        "",
        "| processor time | ours, s | beside, s | ratio | target | |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    files = [need_crawl() / name for name in options.files]
    whole = commands(files, options.documents, options.peer)
    for row in chain(stages(options.files, options.repeats) if options.repeats else (), whole):
        lines.append(row.line)
        print(row.line, flush=True)
    if options.append is not None:
        with options.append.open("a", encoding="utf-8") as document:
            document.write("\n" + "\n".join(lines) + "\n")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
