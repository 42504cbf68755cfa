"""Make a calibration file from one's own documents: what `provenance calibrate` does.

Labelled documents give new lines from score to ratio; human ones alone limit the shipped lines and set
thresholds. A text counts once, and so does a group of texts, so that repetition proves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenance import __version__
from provenance.calibrate.documents import Documents, find_sources, read_documents
from provenance.detectors.embedded.annotator import score_columns
from provenance.detectors.embedded.calibration import (
    BUCKETS,
    LEVELS,
    Calibration,
    auroc,
    bin_of,
    bucket,
    fit_line,
    limit_documents,
    load_calibration,
)
from provenance.detectors.embedded.model import load_model
from provenance.errors import DataError

#: Documents of each label from which on a language gets lines of its own.
FEWEST_EACH = 100
#: A length bucket takes in its neighbours until it has this many documents of each label.
ENOUGH_EACH = 200
#: Slopes beyond this are the sample's, not the detector's.
MAX_SLOPE = 1.5
#: Domains with fewer documents than this weigh less than others.
_DOMAIN_SIZE = 40


class CalibrateError(DataError, ValueError):
    """Documents from which no calibration follows; the message says why."""


@dataclass(frozen=True)
class Sample:
    """Scored documents, one of each group, each array of shape (n,)."""

    score: NDArray[np.float64]
    words: NDArray[np.int64]
    known: NDArray[np.float64]
    language: NDArray[np.object_]
    synthetic: NDArray[np.bool_]
    domain: NDArray[np.uint64]

    def of(self, rows: NDArray[Any]) -> Sample:
        """The documents at `rows`, positions or a mask."""
        return Sample(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def calibrate(inputs: Sequence[str], human_only: bool = False, folder: str | None = None) -> Calibration:
    """A calibration of the embedded detector (of that in `folder`, if given) from files, releases or workspaces; docs/calibration.md.

    Raises:
        LabelledError: where an input cannot be read.
        CalibrateError: where there are too few documents.
    """
    table, described = gather(inputs, human_only, partial(_scored, folder=folder))
    columns = {name: table[name].to_numpy() for name in Sample.__dataclass_fields__ if name != "language"}
    language = table.language.astype(object).where(table.language.notna(), "").to_numpy()
    return fit(Sample(language=language, **columns), described, folder)


def fit(sample: Sample, inputs: Sequence[dict[str, Any]] = (), folder: str | None = None) -> Calibration:
    """A calibration from scored documents; `inputs` go into its provenance.

    Raises:
        CalibrateError: where no length of a language has documents enough for anything to follow.
    """
    shipped = load_calibration(folder)
    detector = load_model(folder).version
    sample = sample.of(bucket(sample.words) >= 0)
    lines, floors = dict(shipped.lines), dict(shipped.floors)
    fitted: dict[str, float] = {}
    for language in sorted(set(sample.language.tolist()) - {""}):
        own = sample.of(sample.language == language)
        if min(own.synthetic.sum(), (~own.synthetic).sum()) >= FEWEST_EACH:
            lines[language] = [_line(own, index) for index in range(len(BUCKETS))]
            floors[language] = float(np.quantile(own.known, 0.005))
            fitted[language] = round(auroc(own.score, own.synthetic), 4)
    thresholds: dict[str, list[list[float]]] = {}
    humans: dict[str, list[list[tuple[int, int]]]] = {}
    strata: list[dict[str, Any]] = []
    for language in sorted(lines):
        own = sample.of(sample.language == language)
        own = own.of(own.known >= floors.get(language, 0.0))
        found = [_of_length(own, index, shipped, language) for index in range(len(BUCKETS))]
        thresholds[language] = [cuts for cuts, _, _ in found]
        if any(pairs for _, pairs, _ in found):
            humans[language] = [pairs for _, pairs, _ in found]
        lines_from = {"language": language, "lines": "fitted" if language in fitted else "shipped"}
        strata += [lines_from | report for _, _, report in found if report["human"] or report["synthetic"]]
    if not fitted and not any(row["limits_ratios"] for row in strata):
        largest = max((row["human"] for row in strata), default=0)
        raise CalibrateError(
            f"too few documents: the most human ones of one language ({', '.join(sorted(lines))}) and length are "
            f"{largest:,}; it takes {limit_documents(shipped.bounds[1])} for a limit, or {FEWEST_EACH} of each label in a language"
        )
    provenance = {
        "package": __version__,
        "detector": detector,
        "base": f"{'shipped ' if folder is None else ''}calibration {shipped.version}",
        "documents": {"human": int((~sample.synthetic).sum()), "synthetic": int(sample.synthetic.sum())},
        "inputs": list(inputs),
        "auroc": fitted,
        "strata": strata,
    }
    version = hashlib.sha256(repr((lines, thresholds, floors, humans)).encode()).hexdigest()[:8]
    return Calibration(
        version=f"2.{version}",
        detector=detector,
        lines=lines,
        thresholds=thresholds,
        floors=floors,
        bounds=shipped.bounds,
        provenance=provenance,
        humans=humans,
    )


def describe(calibration: Calibration, path: str) -> str:
    """What a calibration rests on, as text for a person."""
    found = calibration.provenance
    documents = found["documents"]
    rows = [
        f"{path}: calibration {calibration.version} for detector {calibration.detector}, from {documents['human']:,} "
        f"human and {documents['synthetic']:,} synthetic documents of {BUCKETS[0]} words and more\n",
        f"{'language':<10}{'words':>7}{'human':>9}{'synthetic':>11}  {'lines':<9}{'limits':<8}proven false-positive rates",
    ]
    for row in found["strata"]:
        proven = ", ".join(f"{float(level):g}: {bound:.4f}" for level, bound in row["bounds"].items())
        rows.append(
            f"{row['language']:<10}{row['words_from']:>6}+{row['human']:>9,}{row['synthetic']:>11,}  {row['lines']:<9}"
            f"{'yes' if row['limits_ratios'] else 'no':<8}{proven or 'none, as shipped'}"
        )
    rows += [f"\nAUROC on these documents, {name}: {value:.3f}" for name, value in found["auroc"].items()]
    return "\n".join(rows)


def gather(
    inputs: Sequence[str], human_only: bool, score: Callable[[Documents], pd.DataFrame]
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """(scored documents, one of each group; what each input is and how many documents it gave).

    `score` returns its columns for the documents of a batch. A text with both labels counts for neither.
    """
    parts: list[pd.DataFrame] = []
    described = []
    for source in find_sources(inputs):
        documents = 0
        for batch in read_documents(source, human_only):
            documents += len(batch.texts)
            identity = {"text": batch.text_hashes, "group": batch.groups, "domain": batch.domains}
            parts.append(score(batch).assign(**identity, synthetic=batch.synthetic))
        described.append(
            {"kind": source.kind, "name": source.name, "digest": source.digest, "documents": documents}
        )
    if not parts:
        raise CalibrateError("the inputs hold no documents that are labelled or proven human")
    table = pd.concat(parts, ignore_index=True)
    table = table[table.groupby("text").synthetic.transform("nunique") == 1]
    # The text with the lowest hash stands for its group: no order of files or rows enters.
    table = table.sort_values(["group", "synthetic", "text"], kind="stable")
    return table.drop_duplicates(["group", "synthetic"]).drop_duplicates("text"), described


def balance(domain: NDArray[np.uint64], synthetic: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights that make every domain of each label count alike, those of few documents in proportion."""
    size = pd.Series(1, range(len(domain))).groupby([domain, synthetic]).transform("size")
    return np.asarray(1.0 / np.maximum(size.to_numpy(float), _DOMAIN_SIZE))


def _scored(batch: Documents, folder: str | None) -> pd.DataFrame:
    found = score_columns(batch.texts, batch.languages, folder=folder)
    return pd.DataFrame(
        {
            "score": found.score.astype(float),
            "words": found.words.astype(np.int64),
            "known": found.known.astype(float),
            "language": pd.Series(found.languages, dtype=object),
        }
    )


def _of_length(
    own: Sample, index: int, shipped: Calibration, language: str
) -> tuple[list[float], list[tuple[int, int]], dict[str, Any]]:
    """(thresholds, score histogram of the humans, report) of one length bucket of a language."""
    here = bucket(own.words) == index
    scores = own.score[here & ~own.synthetic]
    known = shipped.thresholds.get(language)
    cuts, proven = _cutoffs(scores, known[index] if known is not None else None)
    places, counts = np.unique(bin_of(scores), return_counts=True)
    report = {
        "words_from": BUCKETS[index],
        "human": len(scores),
        "synthetic": int((here & own.synthetic).sum()),
        "limits_ratios": len(scores) >= limit_documents(shipped.bounds[1]),
        "bounds": proven,
    }
    return cuts, list(zip(places.tolist(), counts.tolist(), strict=True)), report


def _line(own: Sample, index: int) -> tuple[float, float]:
    """(intercept, slope) for a length, with its neighbours where it has too few documents of a label."""
    lengths = bucket(own.words)
    near = own
    for reach in range(len(BUCKETS)):
        near = own.of(np.abs(lengths - index) <= reach)
        if min(near.synthetic.sum(), (~near.synthetic).sum()) >= ENOUGH_EACH:
            break
    return fit_line(near.score, near.synthetic, balance(near.domain, near.synthetic), MAX_SLOPE)


def _cutoffs(
    scores: NDArray[np.float64], shipped: Sequence[float] | None
) -> tuple[list[float], dict[str, float]]:
    """(thresholds at LEVELS, the false-positive rate proven at each level that these human scores can prove)."""
    ordered = np.sort(scores)[::-1]
    n = len(ordered)
    above_all = float(ordered[0]) + 1 if n else float(np.finfo(np.float32).max)
    cuts, proven = [], {}
    for k, level in enumerate(LEVELS):
        allowed = int(level * (n + 1) + 1e-9) - 1  # this many may exceed the cutoff
        if allowed >= 0:
            cuts.append(float(ordered[min(allowed, n - 1)]))
            proven[str(level)] = float((1 + (ordered > cuts[-1]).sum()) / (n + 1))
        else:
            cuts.append(shipped[k] if shipped is not None else above_all)
    # A stricter level never flags more than a looser one, though they may come from other documents.
    falling = np.maximum.accumulate(np.array(cuts)[::-1])[::-1]
    return falling.tolist(), proven
