"""From labelled documents to the calibration of a neural detector: `provenance calibrate --config --detector`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from provenance import __version__
from provenance.annotators.language import identify
from provenance.annotators.language import load_model as load_language_model
from provenance.calibrate.documents import Documents
from provenance.calibrate.embedded import FEWEST_EACH, CalibrateError, balance, gather
from provenance.detectors.embedded.calibration import auroc, base_language, fit_line
from provenance.detectors.neural.config import NeuralConfig, ScoreCalibration
from provenance.detectors.neural.load import load_scorer

#: Slope in nats for one standard deviation of the score; more is the sample's, not the detector's.
_MAX_SLOPE = 5.0


def calibrate_neural(inputs: Sequence[str], config: NeuralConfig) -> ScoreCalibration:
    """One line from score to ratio, fitted at even odds on documents of both labels.

    Languages with `FEWEST_EACH` documents of each label are claimed, the detector abstains on others. An earlier
    calibration of `config` gives the least length and the weights of kind `surprisal`.

    Raises:
        LabelledError: where an input cannot be read.
        CalibrateError: where a label has too few documents, or the scores tell nothing.
    """
    before = config.calibration if isinstance(config.calibration, ScoreCalibration) else None
    least = before.min_tokens if before else ScoreCalibration.model_fields["min_tokens"].default
    scorer = load_scorer(config.model_copy(update={"calibration": before}))

    def score(batch: Documents) -> pd.DataFrame:
        found = scorer.score(batch.texts)
        usable = np.isfinite(found.score) & (found.tokens >= least)
        return pd.DataFrame(
            {"score": found.score.astype(float), "usable": usable, "language": _languages(batch)}
        )

    table, described = gather(inputs, False, score)
    table = table[table.usable]
    counts = table.groupby(["language", "synthetic"]).size().unstack(fill_value=0)
    both = counts.reindex(columns=[False, True], fill_value=0).min(axis=1)
    languages = sorted(both.index[both >= FEWEST_EACH])
    if not languages:
        raise CalibrateError(
            f"too few documents of {least} tokens and more: no language has {FEWEST_EACH} of each label"
        )
    table = table[table.language.isin(languages)]
    scores, synthetic = table.score.to_numpy(), table.synthetic.to_numpy()
    area = auroc(scores, synthetic)
    middle, spread = float(scores.mean()), float(scores.std()) * (1 if area >= 0.5 else -1)
    if spread == 0:
        raise CalibrateError(f"detector {config.name} gives every document the same score")
    weights = balance(table.domain.to_numpy(), synthetic)
    intercept, slope = fit_line((scores - middle) / spread, synthetic, weights, _MAX_SLOPE)
    line = (round(intercept - slope * middle / spread, 6), round(slope / spread, 6))
    if abs(line[1]) > 100:
        raise CalibrateError(f"detector {config.name}: scores differ too little for a slope of at most 100")
    return ScoreCalibration(
        version=hashlib.sha256(repr((line, languages, least)).encode()).hexdigest()[:8],
        intercept=line[0],
        slope=line[1],
        min_tokens=least,
        languages=tuple(languages),
        weights=before.weights if before else None,
        provenance={
            "package": __version__,
            "detector": config.name,
            "kind": config.kind,
            "model": config.revision or Path(config.model).name,
            "documents": {"human": int((~synthetic).sum()), "synthetic": int(synthetic.sum())},
            "auroc": round(area, 4),
            "inputs": described,
        },
    )


def _languages(batch: Documents) -> list[str]:
    unsaid = [None if given else text for text, given in zip(batch.texts, batch.languages, strict=True)]
    found = identify(load_language_model(), unsaid)
    return [
        base_language(given) if given else language or ""
        for given, (language, _) in zip(batch.languages, found, strict=True)
    ]
