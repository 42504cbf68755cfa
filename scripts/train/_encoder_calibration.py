"""What the encoder's logits are worth beside the embedded detector's ratio, from scores of what neither had seen.

English alone: elsewhere people's text is documentation and machine text is not, and the encoder has learned that (docs/decisions/detector.md).
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

Numbers = dict[str, Any]
LANGUAGE = "en"
#: Least words that are judged, as of the embedded detector.
LEAST_WORDS = 60
#: Steepest line, nats for one unit of a logit or a ratio.
_MAX_SLOPE = 4.0
#: Share of machine text taken to be of a family that neither knows, which scores as people do (as for the embedded detector).
_UNKNOWN = 0.05


def calibrate(table: pd.DataFrame, logits: Path, out: Path) -> None:
    """Write the calibration of the encoder alone and of both together, from `logits` (rows, logits) of held-out passages."""
    held = web_and_machine(read_held_out(table, logits))
    own, joint = fit(held)
    joint |= about_people(held, joint_ratio(held, own, joint))
    passages = {"human": int((~held.synthetic).sum()), "synthetic": int(held.synthetic.sum())}
    own |= {
        "min_tokens": LEAST_WORDS,
        "languages": [LANGUAGE],
        "provenance": {
            "embedded": load_calibration().version,
            "passages": passages,
            "scores": "held-out domains and makers; web prose; base models left out",
        },
    }
    own["version"] = hashlib.sha256(json.dumps([own, joint], sort_keys=True).encode()).hexdigest()[:8]
    text = json.dumps({"calibration": own, "combination": joint}, indent=1, sort_keys=True)
    out.write_text(text + "\n", encoding="utf-8")


def read_held_out(table: pd.DataFrame, logits: Path) -> pd.DataFrame:
    """English texts of 60 words and more: `ratio` of the embedded detector and `logit` of the encoder; base models left out.

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
    return held[held.kind.isin((*FAMILIES, "human"))]


def web_and_machine(held: pd.DataFrame) -> pd.DataFrame:
    """The texts that place lines: web prose of people, and machine text."""
    return held[held.synthetic | held.web]


def fit(held: pd.DataFrame, band: tuple[float, float] = ENCODER_BAND) -> tuple[Numbers, Numbers]:
    """(calibration of the encoder alone, combination of both where the embedded ratio lies in `band`), without thresholds."""
    ratio, synthetic, weight = held.ratio.to_numpy(float), held.synthetic.to_numpy(bool), weights(held)
    line = fit_line(held.logit.to_numpy(), synthetic, weight, _MAX_SLOPE)
    least = _least(held, line[0] + line[1] * held.logit.to_numpy(), weight)
    own: Numbers = {
        "intercept": round(line[0], 4),
        "slope": round(line[1], 4),
        "bounds": [round(least, 4), mixture.MOST],
    }
    asked = (ratio >= band[0]) & (ratio <= band[1])
    terms = np.stack([np.ones(len(held)), ratio, own_ratio(held, own)], axis=1)[asked]
    fitted = fit_plane(terms, synthetic[asked], weight[asked])
    least = _least(held[asked], terms @ fitted, weight[asked])
    joint: Numbers = {
        "intercept": round(float(fitted[0]), 4),
        "weights": {"embedded": round(float(fitted[1]), 4), "encoder": round(float(fitted[2]), 4)},
        "bounds": [round(least, 4), mixture.MOST],
    }
    return own, joint


def own_ratio(held: pd.DataFrame, own: Numbers) -> NDArray[np.float64]:
    """What the encoder says alone, nats."""
    line = own["intercept"] + own["slope"] * held.logit.to_numpy(float)
    return np.asarray(np.clip(line, *own["bounds"]))


def joint_ratio(
    held: pd.DataFrame, own: Numbers, joint: Numbers, band: tuple[float, float] = ENCODER_BAND
) -> NDArray[np.float64]:
    """What both say together, nats: outside of the band what the embedded detector says."""
    ratio, weight = held.ratio.to_numpy(float), joint["weights"]
    both = joint["intercept"] + weight["embedded"] * ratio + weight["encoder"] * own_ratio(held, own)
    asked = (ratio >= band[0]) & (ratio <= band[1])
    return np.asarray(np.where(asked, np.clip(both, *joint["bounds"]), ratio))


def about_people(held: pd.DataFrame, ratio: NDArray[np.float64]) -> Numbers:
    """Thresholds of the joint `ratio`, and its mean and relative variance among people, every domain alike."""
    people = ~held.synthetic.to_numpy(bool)
    alike, ratio = weights(held)[people], ratio[people]
    mean = float(np.average(np.exp(ratio), weights=alike))
    spread = float(np.average((np.exp(ratio) / mean - 1) ** 2, weights=alike))
    alone = load_calibration()  # what people of other languages score: of them the encoder is not asked
    return {
        "thresholds": {LANGUAGE: [round(threshold(ratio, alike, level), 4) for level in LEVELS]},
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
