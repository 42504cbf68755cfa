"""Deduplication by text-dedup, in its own environment: `PYTHON _text_dedup.py FOLDER BANDS ROWS`.

Its command for MinHash, as its own description shows, on FOLDER/texts; what is kept lies in FOLDER/kept as its data set.
"""

import subprocess
import sys
from pathlib import Path

from datasets import load_from_disk


def main(folder: str, bands: str, rows: str) -> None:
    """Run the command in one process, and write the numbers of what it keeps."""
    options = {
        "--path": "json",
        "--data_files": f"{folder}/texts/0.jsonl.gz",
        "--split": "train",
        "--column": "text",
        "--output": f"{folder}/kept",
        "--cache_dir": f"{folder}/cache",
        "--num_perm": "128",
        "--ngram": "5",
        "--min_length": "1",
        "--threshold": "0.6",
        "--b": bands,
        "--r": rows,
        "--hash_func": "xxh3",
        "--num_proc": "1",
    }
    command = [sys.executable, "-m", "text_dedup.minhash"]
    for name, value in options.items():
        command += [name, value]
    subprocess.run(command, check=True, capture_output=True)
    kept = load_from_disk(f"{folder}/kept")["id"]
    Path(folder, "kept.txt").write_text("\n".join(map(str, kept)))


if __name__ == "__main__":
    main(*sys.argv[1:])
