#!/usr/bin/env python
"""Compile the kernels that the commands use, for the package to carry: `python scripts/make kernels [--check]`.

Curates the demo as a person would, with filters and watermarks, scores it and audits it, and keeps what is compiled on the way: about 80
seconds of processor time for all kernels, ten where few have changed. With --check nothing is written, and it fails where one is missing.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from provenance.files import ready_kernels

_VOCABULARY = 50_257


def main() -> int:
    """Make the archive, or with --check compare it; or one round of it, in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--round", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.round:
        return _round(check=options.check)
    while True:
        # a kernel that was compiled as part of another one shows only when that one is there
        status = _in_process("--round", *(["--check"] if options.check else []))
        if options.check or status != _MORE:
            return status


#: Exit status of a round that compiled something.
_MORE = 3


def _in_process(*arguments: str) -> int:
    """Run this module again, where nothing is compiled for the machine it runs on alone."""
    with tempfile.TemporaryDirectory() as place:
        compiler = {"NUMBA_CPU_NAME": ready_kernels.PROCESSOR, "NUMBA_CPU_FEATURES": ""}
        environment = {**os.environ, **compiler, "NUMBA_CACHE_DIR": place}
        return subprocess.run(
            [sys.executable, "-m", __spec__.name, *arguments], env=environment, check=False
        ).returncode


def _round(*, check: bool) -> int:
    """Run the commands once and add to the archive what it lacks; what nobody asked for leaves it."""
    path = ready_kernels.archive_path()
    if not path.exists():
        ready_kernels.write_archive(path, {})
    with tempfile.TemporaryDirectory() as place:
        compiled = _collect(Path(place))
    if check:
        for name in sorted(compiled):
            print(f"not in the archive: {name}; run python scripts/make kernels", file=sys.stderr)
        return bool(compiled)
    kernels = {**ready_kernels.ARCHIVE.used, **compiled}
    ready_kernels.write_archive(path, kernels)
    kept = len(kernels) - len(compiled)
    print(f"{path.name}: {kept} kernels kept, {len(compiled)} compiled, {path.stat().st_size:,} bytes")
    return _MORE if compiled else 0


def _collect(place: Path) -> dict[str, bytes]:
    """Kernels that the commands call and the archive does not hold, by their identities."""
    ready_kernels.use_ready_kernels()
    from numba.core import event

    found: list[tuple[Any, Any]] = []

    class Outermost(event.Listener):
        """Notes what is compiled because Python calls it; what a kernel calls becomes part of it."""

        depth = 0

        def on_start(self, event: Any) -> None:
            if not self.depth:
                found.append((event.data["dispatcher"], event.data["args"]))
            self.depth += 1

        def on_end(self, event: Any) -> None:
            self.depth -= 1

    event.register("numba:compile", Outermost())  # type: ignore[no-untyped-call]
    _run_commands(place)
    _measure_watermarks()
    return {
        ready_kernels.identity(dispatcher, types): ready_kernels.packed(dispatcher.overloads[types])
        for dispatcher, types in found
        if isinstance(getattr(dispatcher, "_cache", None), ready_kernels.ReadyCache)
    }


def _run_commands(place: Path) -> None:
    """What people do first, in this process."""
    from pipelines.command.main import main as command

    release = str(place / "release")
    lines = '{"text": "A first text to be judged."}\n{"text": "Ein zweiter Text.", "language": "de"}\n'
    sys.stdin = io.TextIOWrapper(io.BytesIO(lines.encode()))
    demo = str(files("provenance") / "demo")
    with redirect_stdout(io.StringIO()):
        for arguments in (
            ["score"],
            [
                "curate",
                demo,
                str(_chain(place)),
                "--output",
                release,
                "--quiet",
                "--config",
                str(_filtered(place)),
            ],
            ["demo", "--output", str(place / "demo"), "--quiet"],
            ["audit", release],
        ):
            if command(arguments):
                print(f"provenance {arguments[0]} failed: its kernels are not carried", file=sys.stderr)


def _chain(place: Path) -> Path:
    """Three texts of which the second resembles the others and these not each other, as many do in a crawl and none in the demo."""
    words = [f"word{number}" for number in range(260)]
    path = place / "chain.jsonl"
    texts = (" ".join(words[first : first + 200]) for first in (0, 30, 60))
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def _filtered(place: Path) -> Path:
    """A configuration with every kind of filter that has kernels."""
    (place / "hosts.txt").write_text("example.invalid\n", encoding="utf-8")
    (place / "urls.txt").write_text(
        "https://example.invalid/page\nhttps://example.invalid/all/*\n", encoding="utf-8"
    )
    question = " ".join(f"word{number}" for number in range(40))
    (place / "questions.jsonl").write_text(f'{{"question": "{question}"}}\n', encoding="utf-8")
    lists = {"hosts": [str(place / "hosts.txt")], "urls": [str(place / "urls.txt")]}
    asked = {
        "filters": [{"kind": "block_list", **lists}],
        "decontaminate": [str(place / "questions.jsonl")],
    }
    path = place / "filtered.yaml"
    path.write_text(yaml.safe_dump(asked), encoding="utf-8")
    return path


def _measure_watermarks() -> None:
    """Every scheme on a few documents."""
    import numpy as np

    tokens = np.random.default_rng(0).integers(0, _VOCABULARY, 400)
    for scheme in _schemes():
        scheme.measure(tokens, np.arange(0, 401, 100))


def _schemes() -> Iterator[Any]:
    from provenance.annotators.watermarks.catalogue import SCHEMES
    from provenance.annotators.watermarks.kgw import Kgw
    from provenance.annotators.watermarks.synthid import SynthId
    from provenance.annotators.watermarks.textseal import TextSealOneKey

    for scheme in SCHEMES.values():
        sized = {"vocab_size": _VOCABULARY} if "vocab_size" in scheme.model_fields else {}
        yield scheme.model_validate(sized)
    yield SynthId(version="2025")
    yield Kgw(vocab_size=_VOCABULARY, greenlist_ratio=0.5)
    for seeding in ("minhash", "selfhash"):
        yield Kgw(vocab_size=_VOCABULARY, seeding_scheme=seeding)
    for kind in ("greenlist", "synthid"):
        yield TextSealOneKey(watermark_type=kind)


if __name__ == "__main__":
    sys.exit(main())
