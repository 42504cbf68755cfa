"""Progress that moves: within files, from all workers, with an estimate that start-up does not spoil."""

from __future__ import annotations

import io
import os
import pty
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from pipelines import progress
from pipelines.progress import Progress, Targets
from provenance.files import headway
from provenance.files.headway import Headway, read_headway
from provenance.files.storage import LocalStorage
from tests.program import DEMO, ROOT

MB = 1_000_000


def test_files_that_are_under_way_count_by_their_share(tmp_path: Path) -> None:
    targets = Targets(
        {str(tmp_path / name): weight * MB for name, weight in (("a", 10), ("b", 30), ("c", 60))},
        LocalStorage(),
        rows_of=lambda path: 100,
        headway=lambda: [Headway(str(tmp_path / "b"), 0.5, 40, 0), Headway("another job's", 0.9, 999, 0)],
    )
    (tmp_path / "a").write_bytes(b"done")
    assert targets.describe("annotate", 20) == "annotate: 1 of 3 files, 140 records, 25.0 of 100.0 MB"


def test_the_time_left_is_by_the_speed_since_the_first_progress(tmp_path: Path) -> None:
    share = 0.0
    targets = Targets(
        {str(tmp_path / "a"): 100 * MB},
        LocalStorage(),
        headway=lambda: [Headway(str(tmp_path / "a"), share, int(1000 * share), 0)],
    )
    assert "left" not in targets.describe("annotate", 60), "kernels are compiled: nothing is known"
    share = 0.1
    assert "left" not in targets.describe("annotate", 61), "one sight is no speed"
    share = 0.2
    line = targets.describe("annotate", 71)
    assert line.endswith("20.0 of 100.0 MB, 10 records/s, 1.0 MB/s, 1:20 left")


def test_the_last_large_file_is_not_shared_among_workers(tmp_path: Path) -> None:
    shares = {"a": 0.1, "b": 0.1}
    targets = Targets(
        {str(tmp_path / "a"): 100 * MB, str(tmp_path / "b"): 10 * MB},
        LocalStorage(),
        headway=lambda: [Headway(str(tmp_path / name), share, 1, 0) for name, share in shares.items()],
    )
    targets.describe("annotate", 0)
    shares |= {"a": 0.2, "b": 0.9}
    # 18 MB in 18 s by two workers; 81 MB are left, but 80 of them to one of the two.
    assert targets.describe("annotate", 18).endswith("2:40 left")


def test_a_worker_says_how_far_it_is_while_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One large file: records and share rise before it is finished, and nothing stays behind."""
    monkeypatch.setattr(headway, "_EVERY", 0.01)
    crawl = tmp_path / "one.jsonl"
    with crawl.open("wb") as file:
        for _ in range(40):
            file.write((DEMO / "demo-2019.jsonl").read_bytes())
    config = tmp_path / "c.yaml"
    config.write_text("reading: {batch_rows: 200}\n")
    seen: list[Headway] = []
    monkeypatch.setattr(progress, "_LOGGED", 0.02)
    monkeypatch.setattr(
        "pipelines.shards.read_headway", lambda path: [seen.extend(found := read_headway(path)), found][1]
    )
    from tests.program import run

    ended = run("annotate", crawl, "--workspace", tmp_path / "w", "--config", config)
    assert ended.code == 0
    shares, records = [item.share for item in seen], [item.records for item in seen]
    assert shares == sorted(shares) and records == sorted(records)
    assert any(0 < share < 1 for share in shares) and any(0 < number < 4000 for number in records)
    assert "annotate: 0 of 1 files, " in ended.err and " records" in ended.err
    assert not (tmp_path / "w" / "headway").exists()


def test_parquet_is_counted_by_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["x"] * 50}), tmp_path / "x.parquet")
    with (tmp_path / "x.parquet").open("rb") as stream:
        assert headway._rows(stream) == 50 and stream.tell() == 0
    with (DEMO / "demo-2019.jsonl").open("rb") as stream:
        assert headway._rows(stream) is None and stream.tell() == 0
        stream.read(1)
        assert headway._position(stream) > 0


def test_a_line_is_cut_to_the_terminal() -> None:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
    with os.fdopen(theirs, "w") as terminal:
        shown = Progress(terminal)
        assert shown.live
        shown._write("annotate: 12 of 69 files, 1,234 records")
        terminal.flush()
        line = os.read(ours, 1000).decode().removeprefix("\r\033[K")
        assert line == "annotate: 12 of 69…" and len(line) < 20
    os.close(ours)


def test_quiet_says_nothing() -> None:
    stream = io.StringIO()
    shown = Progress(stream, quiet=True)
    shown.note("x")
    with shown.step("select", "x"):
        shown.finished("select", 1, 0, 1.0)
    assert stream.getvalue() == ""


def test_kernels_that_compile_say_so(tmp_path: Path) -> None:
    """With an empty cache a kernel is compiled and counted; with a filled one it is not."""
    script = (
        "import sys; from provenance.files.kernel_cache import compiled_kernels, tell_of_compiling\n"
        "from pathlib import Path; from provenance.files import ready_kernels\n"
        "ready_kernels.ARCHIVE = ready_kernels.Archive(Path('none'))  # as on a machine that the package carries none for\n"
        "tell_of_compiling(lambda: print('compiling'))\n"
        "import numpy as np; from provenance.duplicates.components import _groups\n"
        "_groups(np.array([3, 9000, 5]), 8192)\n"
        "print(compiled_kernels())\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    said = [
        subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert said[0].startswith("compiling\n") and int(said[0].split()[1]) >= 1
    assert said[1] == "0\n"
