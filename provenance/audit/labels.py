"""A bound of a release's synthetic share from labels that people gave to a drawn sample.

Each stratum's labels are trials with one chance, its share of tokens; the bound adds the strata up. It rests on
the labels and on nothing that a detector says.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from provenance.errors import DataError, UsageError
from provenance.files.storage import AnyStorage, read_bytes

LABELS = ("human", "synthetic", "unsure")
#: Draws of the strata's shares from which the bound of their sum is read.
_DRAWS, _SEED = 200_000, 20221130
#: More labels than this are not proposed.
_MOST_LABELS = 1_000_000


def read_labels(path: str | Path) -> dict[str, str]:
    """doc_id → label, from JSON lines or CSV with the columns `doc_id` and `label`; the last of several counts.

    Rows whose label is left blank are not labelled yet. A CSV is divided by what stands in its header, a comma, a semicolon
    or a tab, as spreadsheets of different countries write it.

    Raises:
        UsageError: where there is no such file.
        DataError: naming the line that cannot be used.
    """
    try:
        text = read_bytes(AnyStorage(), str(path)).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read as labels ({error})") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise DataError(f"{path}: holds no labels")
    rows: list[Mapping[str, Any]]
    first = lines[0][1]
    if first.lstrip().startswith("{"):
        rows = [_json_line(path, number, line) for number, line in lines]
    else:
        rows = list(csv.DictReader((line for _, line in lines), delimiter=max(",;\t", key=first.count)))
    found = {}
    for number, row in enumerate(rows, 1):
        label = str(row.get("label") or "").strip().lower()
        if row.get("doc_id") and "label" in row and not label:
            continue
        if not row.get("doc_id") or label not in LABELS:
            raise DataError(
                f"{path}: row {number}: needs a doc_id and a label that is one of {', '.join(LABELS)}, not {dict(row)!r:.120}"
            )
        found[str(row["doc_id"])] = label
    if not found:
        raise DataError(
            f"{path}: holds no labels: of its {len(rows):,} rows each is blank where `label` belongs; "
            f"write one of {', '.join(LABELS)} there"
        )
    return found


def certify_labels(
    sample: Mapping[str, Any], labels: Mapping[str, str], max_synthetic: str, confidence: float = 0.95
) -> dict[str, Any]:
    """What the labels of a sample (`sample.Sample.as_json`) prove about the share of tokens.

    `unsure` and missing labels count as synthetic in the bound, so that leaving out hard cases cannot lower it. Returns the
    estimate, the one-sided upper bound at `confidence`, whether the cap is certified, and what it would take if not.

    Raises:
        DataError: where no label is of a document of the sample.
    """
    counts = [{"human": 0, "synthetic": 0, "unsure": 0, "missing": 0} for _ in sample["strata"]]
    for document in sample["documents"]:
        label = labels.get(document["doc_id"], "missing")
        counts[document["stratum"]][label] += document["draws"]
    labelled = sum(item["human"] + item["synthetic"] + item["unsure"] for item in counts)
    if not labelled:
        raise DataError("none of the labels is of a document of this sample; was it drawn from this release?")
    weight = np.array([item["tokens"] for item in sample["strata"]], float)
    weight /= weight.sum()
    trials = np.array([sum(item.values()) for item in counts])
    hits = np.array([trial - item["human"] for trial, item in zip(trials, counts, strict=True)])
    sure = np.array([item["human"] + item["synthetic"] for item in counts])
    shares = np.array([item["synthetic"] for item in counts]) / np.maximum(sure, 1)
    estimate, upper = float((weight * shares).sum()), upper_bound(weight, hits, trials, confidence)
    cap = Fraction(max_synthetic)
    return {
        "labels": labelled,
        "unsure": sum(item["unsure"] for item in counts),
        "missing": sum(item["missing"] for item in counts),
        "confidence": confidence,
        "estimate": estimate,
        "upper_bound": upper,
        "max_synthetic": max_synthetic,
        "certified": upper <= cap,
        "labels_needed": None
        if upper <= cap
        else labels_needed(weight, hits, trials, float(cap), confidence),
        "strata": [{**item, **count} for item, count in zip(sample["strata"], counts, strict=True)],
    }


def upper_bound(weight: np.ndarray, hits: np.ndarray, trials: np.ndarray, confidence: float) -> float:
    """One-sided upper bound of the sum of weight × share over strata, shapes (strata,).

    Of one stratum that of Clopper and Pearson (1934); of several the quantile of the sum of the strata's own upper
    distributions, Beta(hits + 1, trials - hits), drawn with a fixed seed (fiducial addition; its coverage is tested).
    """
    if len(weight) == 1:
        return (
            float(stats.beta.ppf(confidence, hits[0] + 1, trials[0] - hits[0]))
            if hits[0] < trials[0]
            else 1.0
        )
    random = np.random.RandomState(_SEED)
    total = np.zeros(_DRAWS)
    for part, hit, trial in zip(weight.tolist(), hits.tolist(), trials.tolist(), strict=True):
        drawn = random.beta(hit + 1, trial - hit, _DRAWS) if hit < trial else 1.0
        total += part * drawn
    return float(min(1.0, np.quantile(total, confidence)))


def labels_needed(
    weight: np.ndarray, hits: np.ndarray, trials: np.ndarray, cap: float, confidence: float
) -> int | None:
    """Labels after which the cap would be certified if further ones were like these; None where no number would do."""
    if float((weight * hits / np.maximum(trials, 1)).sum()) >= cap:
        return None
    factor = 1.0
    while (factor := factor * 1.25) * trials.sum() < _MOST_LABELS:
        more = np.ceil(trials * factor)
        if upper_bound(weight, np.ceil(hits * factor), more, confidence) <= cap:
            return int(more.sum())
    return None


def describe_labels(found: Mapping[str, Any]) -> str:
    """The certificate in lines of text."""
    head = (
        f"{found['labels']:,} labels ({found['unsure']:,} unsure and {found['missing']:,} missing count as synthetic in the bound)\n"
        f"synthetic share of tokens: {found['estimate']:.4f} by the labels; at most {found['upper_bound']:.4f} "
        f"with {found['confidence']:.0%} confidence"
    )
    if found["certified"]:
        return f"{head}\ncap {found['max_synthetic']}: certified by these labels"
    wish = "no number of labels would: these labels themselves lie above it; publish with a lower cap"
    if found["labels_needed"]:
        wish = f"about {found['labels_needed']:,} labels would, if further ones are like these"
    return f"{head}\ncap {found['max_synthetic']}: NOT certified by these labels; a cap of {found['upper_bound']:.4f} is. {wish}"


def write_sample(sample: Mapping[str, Any], folder: Path, page: str) -> list[Path]:
    """Write what is to be labelled: the design, a CSV to fill in, and a page to label in. Returns the files.

    Raises:
        UsageError: where one of them exists already, since it may hold labels.
    """
    rows = ["doc_id,label,url", *(_csv_row(item) for item in sample["documents"])]
    files = {
        "sample.json": json.dumps(sample, indent=1, ensure_ascii=False),
        "labels.csv": "\n".join(rows) + "\n",
    }
    files["label.html"] = page
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        if (folder / name).exists():
            raise UsageError(f"{folder / name}: exists; it may hold labels, so name another --output")
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", errors="replace")
    return [folder / name for name in files]


def _csv_row(item: Mapping[str, Any]) -> str:
    # A cell that begins like a formula would run in a spreadsheet.
    url = (item["url"] or "").replace('"', '""')
    return f'{item["doc_id"]},,"{url}"' if url[:1].isalnum() else f"{item['doc_id']},,"


def _json_line(path: str | Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{path}: line {number}: is not JSON ({error})") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}: line {number}: is not a JSON object")
    return row


def check_release(sample: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Raise DataError where a sample was drawn from another release than the one of `manifest`."""
    if sample.get("release_fingerprint") != manifest["fingerprint"]:
        raise DataError(
            "the sample was drawn from another release or version of it; draw anew with `provenance audit-sample`"
        )
