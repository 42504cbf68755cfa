"""The annotator `neural`: asks neural detectors about the documents on which the embedded one is unsure.

Their evidence does not add to the embedded detector's, it corrects it: one combined ratio for both.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from provenance import schema
from provenance.detectors.neural.adapter import adapter_bytes
from provenance.detectors.neural.calibration import combine, ratios, read_score_calibration
from provenance.detectors.neural.config import Combination, NeuralConfig, ScoreCalibration, check_combination
from provenance.detectors.neural.load import load_scorer
from provenance.detectors.neural.pretrained import check_file
from provenance.detectors.neural.scores import NeuralScores
from provenance.detectors.neural.weights import NeuralError, digest, locate, require_extra

#: Scores are kept to this many decimals. Batches of other sizes differ by about 1e-6, so what is written
#: changes only where a score lies that close to a rounding edge.
DECIMALS = 4

_COUNTING = threading.Lock()


class NeuralDetectors:
    """Adds `neural_detectors` and `neural_evidence` from `text`, `language` and `detector_evidence`.

    `neural_detectors` is null where no detector was asked (no text, or outside every band). A score without
    a calibrated ratio (not calibrated, or abstained) has llr null. `neural_evidence` is the *difference*
    between the combined ratio of all detectors that have an opinion and the embedded detector's own, because
    evidence columns are added up: embedded + difference = combined.

    Raises NeuralError where the extra is not installed, a model is not there or a calibration cannot be used.
    """

    name = "neural"
    schema = pa.schema([("neural_detectors", schema.DETECTORS), ("neural_evidence", schema.EVIDENCE)])

    def __init__(self, configs: Sequence[NeuralConfig], combination: Combination | None = None) -> None:
        names = [config.name for config in configs]
        if len(set(names)) != len(names):
            raise NeuralError(f"neural detector names must differ: {', '.join(names)}")
        check_combination(combination, names)
        require_extra([config.kind for config in configs])
        self._configs = list(configs)
        self._combination = combination
        self._calibrations = [read_score_calibration(config) for config in configs]
        self._versions = [
            _version(config, calibration)
            for config, calibration in zip(self._configs, self._calibrations, strict=True)
        ]
        mixed = combination.model_dump_json() if combination else "mean"
        self.version = _hash(["1", names, self._versions, [config.band for config in configs], mixed])
        self.rows = 0
        self._asked: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def setup(self) -> None:
        """Load the models, once in a process."""
        for config in self._configs:
            load_scorer(config)

    def report(self) -> list[dict[str, Any]]:
        """What the cascade cost so far, one dict a detector: name, band, rows (with text), asked, tokens."""
        with _COUNTING:
            return [
                {
                    "name": config.name,
                    "band": config.band,
                    "rows": self.rows,
                    "asked": self._asked[config.name],
                    "tokens": self._tokens[config.name],
                }
                for config in self._configs
            ]

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the two columns for the rows of `batch`."""
        texts: list[str | None] = batch["text"].to_pylist()
        there = np.asarray(batch["text"].is_valid())
        if "outcome" in batch.schema.names:
            there = there & np.asarray(batch["outcome"].is_null())
        languages = _languages(batch)
        embedded, sure = _embedded(batch)
        opinions: list[dict[str, float]] = [
            {"embedded": ratio} if known else {} for ratio, known in zip(embedded.tolist(), sure, strict=True)
        ]
        found: list[list[dict[str, Any]] | None] = [None] * batch.num_rows
        because: list[list[str]] = [[] for _ in range(batch.num_rows)]
        cost: dict[str, tuple[int, int]] = {}
        for config, calibration, version in zip(
            self._configs, self._calibrations, self._versions, strict=True
        ):
            asked = there & _inside(config.band, embedded)
            if config.kind == "encoder":  # elsewhere it would have no opinion, and it costs
                asked &= sure & _spoken(calibration, languages)
            rows = np.flatnonzero(asked)
            if not len(rows):
                continue
            scores = load_scorer(config).score([texts[row] or "" for row in rows])
            cost[config.name] = (len(rows), int(scores.tokens.sum()))
            values, answered = _read(calibration, scores, [languages[row] for row in rows])
            for k, row in enumerate(rows.tolist()):
                score = round(float(scores.score[k]), DECIMALS) if np.isfinite(scores.score[k]) else None
                ratio = round(float(values[k]), DECIMALS) if answered[k] else None
                entry = {"name": config.name, "version": version, "score": score, "llr": ratio}
                found[row] = [*(found[row] or []), entry]
                if ratio is not None:
                    opinions[row][config.name] = ratio
                    because[row].append(
                        f"{config.name} {ratio:+.2f} (score {score:.3f} on {scores.tokens[k]} tokens)"
                    )
        self._count(int(there.sum()), cost)
        evidence = [
            self._difference(opinions[row], float(embedded[row]), because[row]) if there[row] else None
            for row in range(batch.num_rows)
        ]
        return [pa.array(found, schema.DETECTORS), pa.array(evidence, schema.EVIDENCE)]

    def _difference(
        self, opinions: dict[str, float], embedded: float, because: list[str]
    ) -> list[dict[str, Any]]:
        if not because:
            return []
        combined = combine(self._combination, opinions)
        own = f"embedded {embedded:+.2f}" if "embedded" in opinions else "embedded abstained"
        reason = f"{own}, {', '.join(because)}: together {combined:+.2f}, this is what that adds to embedded"
        return [{"source": "detector:neural", "llr": combined - embedded, "because": reason}]

    def _count(self, rows: int, cost: dict[str, tuple[int, int]]) -> None:
        with _COUNTING:
            self.rows += rows
            for name, (asked, tokens) in cost.items():
                self._asked[name] += asked
                self._tokens[name] += tokens


def _read(
    calibration: ScoreCalibration | None, scores: NeuralScores, languages: list[str | None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if calibration is None:
        return np.zeros(len(scores.score)), np.zeros(len(scores.score), bool)
    # From the score as it is written, so that the ratio can be recomputed from the release.
    return ratios(calibration, scores.score.round(DECIMALS), scores.tokens, languages)


def _inside(band: tuple[float, float] | None, embedded: NDArray[np.float64]) -> NDArray[np.bool_]:
    if band is None:
        return np.ones(len(embedded), bool)
    return np.asarray((embedded >= band[0]) & (embedded <= band[1]))


def _spoken(calibration: ScoreCalibration | None, languages: Sequence[str | None]) -> NDArray[np.bool_]:
    """Whether each row is of a language that the calibration speaks for."""
    if calibration is None or calibration.languages is None:
        return np.ones(len(languages), bool)
    return np.array([language in calibration.languages for language in languages], bool)


def _embedded(batch: pa.RecordBatch) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(ratio, has an opinion) of the embedded detector; one that abstained has ratio 0 and no opinion."""
    total, known = np.zeros(batch.num_rows), np.zeros(batch.num_rows, bool)
    if "detector_evidence" in batch.schema.names:
        column = batch["detector_evidence"]
        parents = np.asarray(pc.list_parent_indices(column)).astype(np.int64)
        np.add.at(total, parents, np.asarray(column.flatten().field("llr"), np.float64))
        known[parents] = True
    return total, known


def _languages(batch: pa.RecordBatch) -> list[str | None]:
    if "language" not in batch.schema.names:
        return [None] * batch.num_rows
    languages: list[str | None] = batch["language"].to_pylist()
    return languages


def _version(config: NeuralConfig, calibration: ScoreCalibration | None) -> str:
    """Changes with the weights, the calibration and the settings; not with where the files lie."""
    models = [(config.model, config.revision), (config.second_model, config.second_revision)]
    if config.kind == "encoder":
        contents = [check_file(), xxhash.xxh3_128_hexdigest(adapter_bytes())]
    else:
        contents = [digest(locate(config, model, pin)) for model, pin in models if model is not None]
    settings = config.model_dump(
        include={"kind", "synthetic_label", "max_tokens", "batch_tokens", "dtype"}, mode="json"
    )
    numbers = calibration.model_dump(mode="json") if calibration else None
    return f"{config.kind}-{_hash([contents, settings, numbers])}"


def _hash(value: Any) -> str:
    return xxhash.xxh3_64_hexdigest(json.dumps(value, sort_keys=True).encode())
