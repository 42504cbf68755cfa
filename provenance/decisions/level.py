"""By how much a crawl's own old documents lower the level of the detector's ratios.

A likelihood ratio has mean 1 among humans, and a calibration states what that mean is for its own human texts once
ratios are cut at their bounds. Old documents of a crawl are human: where their mean is higher, ratios are too high for this crawl.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.detectors.embedded.calibration import Calibration

#: How far the level of a crawl lies from the calibration's, in nats: standard deviation over crawls, from the means of
#: single human sources on held-out text (.58, of which about half is sampling).
LEVEL_SD = 0.4
#: Sites that vary no more than these few did would prove too much: a floor for the variance of their mean, in documents.
_FEWEST_SITES = 5
#: The most that a level may take, in nats. It adds nothing: humans that all score low are told apart the better, and do not make
#: the scores of others mean more. Raised, the stated share's log-odds were off by .12 on sources that training knows, by .02
#: without; on groups that training left out the two differ by .04 at most (docs/probability.md).
MOST = 2.0


@dataclass(frozen=True)
class Level:
    """Nats to add to a language's ratios (not positive), their standard deviation, and the old documents that say so."""

    shift: float = 0.0
    deviation: float = LEVEL_SD
    documents: int = 0


def levels(
    counts: pa.Table, nats: Mapping[str, NDArray[np.float64]], calibration: Calibration
) -> dict[str, Level]:
    """The level of each language from the counts (`counts.COUNTS`) of old documents.

    The mean ratio m of the old documents has a variance taken over groups of sites; log m is drawn to the
    calibration's own human mean with the weight that both variances give (normal prior with `LEVEL_SD`).
    """
    human = np.asarray(counts["human"])
    language = np.asarray(counts["language"].to_pylist(), object)
    found = {}
    for name in sorted(set(language[human].tolist()) & set(nats) & set(calibration.human_means)):
        part = counts.take(pa.array(np.flatnonzero(human & (language == name))))
        ratios = np.exp(nats[name][np.asarray(part["bucket"]), np.asarray(part["bin"])])
        documents, groups = np.asarray(part["documents"]), np.asarray(part["group"]).astype(np.int64)
        expected, spread = calibration.human_means[name], calibration.human_spreads.get(name, 0.0)
        found[name] = _level(ratios, documents, groups, expected=expected, spread=spread)
    return found


def _level(
    ratios: NDArray[np.float64],
    documents: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    expected: float,
    spread: float,
) -> Level:
    """The level by these counts; `spread` is the relative variance of ratios among the calibration's humans.

    One human in a hundred makes half of the mean. Where a crawl's few old documents hold none such they vary little and
    score low together, which proves nothing: their mean is taken to vary at least as the calibration's would.
    """
    total = float(documents.sum())
    mean = float((ratios * documents).sum() / total)
    off = np.bincount(groups, weights=(ratios - mean) * documents)
    count = len(np.unique(groups))
    if count < 2:
        return Level(documents=int(total))
    variance = (off**2).sum() / total**2 * count / (count - 1) / mean**2 + 1 / (_FEWEST_SITES * count)
    variance = max(variance, spread / total)
    weight = LEVEL_SD**2 / (LEVEL_SD**2 + variance)
    shift = -(np.log(mean) - np.log(expected)) * weight
    shift = float(np.clip(shift, -MOST, 0.0))
    return Level(shift, float(np.sqrt(1 / (1 / LEVEL_SD**2 + 1 / variance))), int(total))
