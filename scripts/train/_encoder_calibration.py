"""What the encoder's logits are worth beside the embedded detector's ratio, from scores of what neither had seen.

English alone: elsewhere people's text is documentation and machine text is not, and the encoder has learned that (docs/detector.md).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from provenance.detectors.embedded import mixture, training
from provenance.detectors.embedded.calibration import LEVELS, fit_line, load_calibration
from provenance.detectors.embedded.thresholds import threshold
from provenance.detectors.neural.config import ENCODER_BAND
from scripts.evaluate.detector import FAMILIES, held_out

LANGUAGE = "en"
#: Least words that are judged, as of the embedded detector.
LEAST_WORDS = 60
#: Steepest line, nats for one unit of a logit or a ratio.
_MAX_SLOPE = 4.0
#: Share of machine text taken to be of a family that neither knows, which scores as people do (as for the embedded detector).
_UNKNOWN = 0.05


def calibrate(table: pd.DataFrame, logits: Path, out: Path) -> None:
    """Write the calibration of the encoder alone and of both together, from `logits` (rows, logits) of held-out passages."""
    held = read_held_out(table, logits)
    line = fit_line(held.logit.to_numpy(), held.synthetic.to_numpy(bool), weights(held), _MAX_SLOPE)
    own: dict[str, Any] = {
        "intercept": round(line[0], 4),
        "slope": round(line[1], 4),
        "bounds": [
            round(_least(held, line[0] + line[1] * held.logit.to_numpy(), weights(held)), 4),
            mixture.MOST,
        ],
        "min_tokens": LEAST_WORDS,
        "languages": [LANGUAGE],
        "provenance": {
            "embedded": load_calibration().version,
            "passages": {
                "human": int((~held.synthetic).sum()),
                "synthetic": int(held.synthetic.sum()),
            },
            "scores": "held-out domains and makers; web prose; base models left out",
        },
    }
    joint = combine(held, own)
    for part in (own, joint):
        part["version"] = hashlib.sha256(json.dumps([own, joint], sort_keys=True).encode()).hexdigest()[:8]
    joint.pop("version")
    text = json.dumps({"calibration": own, "combination": joint}, indent=1, sort_keys=True)
    out.write_text(text + "\n", encoding="utf-8")


def read_held_out(table: pd.DataFrame, logits: Path) -> pd.DataFrame:
    """English web prose and machine text of 60 words and more: `ratio` of the embedded detector and `logit` of the encoder.

    The embedded detector's held-out ratios take ten minutes; they are kept beside the logits.
    """
    kept = logits.with_name("held-out.parquet")
    if not kept.exists():
        corpus = training.read_corpus(table, training.Settings())
        found = held_out(corpus, training.held_out_scores(corpus))
        found[~found.piece].drop(columns=["text"]).to_parquet(kept)
    held = pd.read_parquet(kept)
    with np.load(logits) as stored:
        logit = pd.Series(stored["logits"].astype(np.float64), stored["rows"])
    held = held.assign(logit=logit.reindex(held.index))
    held = held[(held.language == LANGUAGE) & (held.words >= LEAST_WORDS) & held.logit.notna()]
    return held[held.kind.isin(FAMILIES) | (held.web & ~held.synthetic)]


def combine(held: pd.DataFrame, own: dict[str, Any]) -> dict[str, Any]:
    """The combination of the embedded detector's ratio and the encoder's own, fitted where the encoder is asked."""
    ratio, synthetic, weight = held.ratio.to_numpy(float), held.synthetic.to_numpy(bool), weights(held)
    encoder = np.clip(own["intercept"] + own["slope"] * held.logit.to_numpy(), *own["bounds"])
    asked = (ratio >= ENCODER_BAND[0]) & (ratio <= ENCODER_BAND[1])
    terms = np.stack([np.ones(len(held)), ratio, encoder], axis=1)
    fitted = fit_plane(terms[asked], synthetic[asked], weight[asked])
    together = np.where(asked, terms @ fitted, ratio)
    least = round(_least(held[asked], together[asked], weight[asked]), 4)
    together = np.where(asked, np.clip(together, least, mixture.MOST), ratio)
    people, alike = ~synthetic, weight[~synthetic]
    ratios = np.exp(together[people])
    mean = float(np.average(ratios, weights=alike))
    spread = float(np.average((ratios / mean - 1) ** 2, weights=alike))
    alone = load_calibration()  # what people of other languages score: of them the encoder is not asked
    return {
        "intercept": round(float(fitted[0]), 4),
        "weights": {"embedded": round(float(fitted[1]), 4), "encoder": round(float(fitted[2]), 4)},
        "bounds": [least, mixture.MOST],
        "thresholds": {LANGUAGE: [round(threshold(together[people], alike, level), 4) for level in LEVELS]},
        "human_means": {**alone.human_means, LANGUAGE: round(mean, 4)},
        "human_spreads": {**alone.human_spreads, LANGUAGE: round(spread, 3)},
    }


def fit_plane(
    terms: NDArray[np.float64], synthetic: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients of `terms` (documents, terms) in a logistic fit; weights of both labels as they are, not evened."""
    sign = np.where(synthetic, 1.0, -1.0)

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (terms @ at)
        slope = -weight * sign / (1 + np.exp(np.clip(margin, -500, 500)))
        return float((weight * np.logaddexp(0, -margin)).sum()), terms.T @ slope

    return np.asarray(minimize(loss, np.zeros(terms.shape[1]), jac=True, method="BFGS").x)


def weights(held: pd.DataFrame) -> NDArray[np.float64]:
    """Every domain alike, every family of machine text alike, both labels alike: together 1."""
    weight = mixture.domain_weights(held)
    for name in FAMILIES:
        own = (held.kind == name).to_numpy()
        weight[own] /= max(weight[own].sum(), 1e-12)
    synthetic = held.synthetic.to_numpy(bool)
    for label in (False, True):
        weight[synthetic == label] /= 2 * weight[synthetic == label].sum()
    return weight


def _least(held: pd.DataFrame, ratio: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The least ratio that these scores support: on the quarter of people that they rank lowest, as `mixture` finds it."""
    synthetic = held.synthetic.to_numpy(bool)
    order = np.argsort(ratio, kind="stable")
    human = np.cumsum(np.where(synthetic, 0, weight)[order])
    machine = np.cumsum(np.where(synthetic, weight, 0)[order])
    at = int(np.searchsorted(human, human[-1] / 4))
    share = (1 - _UNKNOWN) * machine[at] / human[at] + _UNKNOWN
    return float(np.clip(np.log(share), -mixture.MOST, -1.0))
