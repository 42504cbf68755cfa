"""The `neural` section of the configuration: which models to ask, when, and how to read their scores.

Each entry is validated in full when the configuration is read; nothing here imports a model library.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from provenance.files.section import Section

Kind = Literal["classifier", "onnx", "binoculars", "fast_detect_gpt", "surprisal", "encoder"]
#: No single model may move a document by more than this, in nats: about 3,000 to 1.
MAX_RATIO = 8.0

#: Kind `encoder`: from here up it is asked, nats of the embedded detector, those that lie on the upper bound of its
#: calibration too. Human web pages below are told apart well enough; of those on the bound, half of what the encoder gains at
#: equal false alarms comes (docs/neural.md).
ENCODER_BAND = (-1.0, 4.0)

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

Finite = Annotated[float, Field(allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=-MAX_RATIO, le=MAX_RATIO)]


class ScoreCalibration(Section):
    """From a detector's score to a log-likelihood ratio: clip(intercept + slope * score, bounds), in nats."""

    format: Literal[1] = Field(1, description="version of this form")
    version: str = Field("1", min_length=1, max_length=100, description="changes with the numbers")
    intercept: Finite = Field(description="ratio at score 0, nats")
    slope: float = Field(ge=-100, le=100, description="nats for one unit of the score")
    bounds: tuple[Ratio, Ratio] = Field((-4.0, 4.0), description="least and largest ratio, nats")
    min_tokens: int = Field(
        64, ge=8, description="shorter documents are abstained on (tokens of the model, as cut)"
    )
    languages: tuple[str, ...] | None = Field(
        None, description="languages it was measured on, others are abstained on; null: all"
    )
    weights: dict[str, Finite] | None = Field(
        None, description="kind surprisal: weight of each statistic in the score; null: the mean alone"
    )
    provenance: dict[str, Any] = Field(default_factory=dict, description="what it was measured on, and when")

    @field_validator("bounds")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        return _in_order(value)


class Combination(Section):
    """One logistic combination of the ratios of the embedded and the neural detectors.

    clip(intercept + sum of weight * ratio, bounds); a detector that was not asked or abstained adds 0.
    """

    intercept: Ratio = Field(0.0, description="nats")
    weights: dict[str, Annotated[float, Field(ge=-4, le=4)]] = Field(
        description="by detector name; `embedded` is the one that ships; a name left out has weight 0"
    )
    bounds: tuple[Ratio, Ratio] = Field((-4.0, 4.0), description="least and largest combined ratio, nats")
    thresholds: dict[str, Annotated[tuple[Finite, ...], Field(min_length=7, max_length=7)]] = Field(
        default_factory=dict,
        description="by language: combined ratios above which a document is flagged at 0.1, 0.2, 0.5, 1, 2, 5 and 10% false "
        "positives, where the crawl's own documents give none; without one the embedded detector's serve",
    )
    human_means: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="by language: mean likelihood ratio of human documents; with it the crawl's own level is found",
    )
    human_spreads: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description="variance of the same, in squares of the mean"
    )

    @field_validator("bounds")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        return _in_order(value)


class NeuralConfig(Section):
    """One neural detector."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="what its scores are reported under"
    )
    kind: Kind = Field(description="how the score is made (docs/neural.md)")
    model: str = Field(
        "", description="folder (onnx: or file) on disk, or a hub id; kind encoder has its own and takes none"
    )
    revision: str | None = Field(None, description="commit of a hub id, 40 hexadecimal digits")
    second_model: str | None = Field(
        None,
        description="binoculars: the performer (`model` observes); fast_detect_gpt: the model that samples, "
        "default `model` itself",
    )
    second_revision: str | None = Field(None, description="commit of the second hub id")
    synthetic_label: str | int | None = Field(
        None, description="classifier, onnx: the label, by name or index, that means machine-written"
    )
    max_tokens: int = Field(512, ge=16, le=32_768, description="tokens read from the start of a document")
    batch_tokens: int = Field(4096, ge=16, le=1 << 22, description="tokens in one batch, padding included")
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="numbers of the model; scores are always made in float32"
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$", description="auto: the GPU if there is one"
    )
    calibration: ScoreCalibration | str | None = Field(
        None,
        description="numbers, or path of a JSON file of them; null: scores are reported but not counted (kind "
        "encoder: the one that ships)",
    )
    band: tuple[Finite, Finite] | None = Field(
        (-2.0, 3.5),
        description="asked only where the embedded detector's ratio lies in this range, nats; null: always (default of "
        "kind encoder: [-1, 4])",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_its_own(cls, given: Any) -> Any:
        """Kind `encoder` has a name and a band of its own, so that its kind alone is a configuration."""
        if isinstance(given, dict) and given.get("kind") == "encoder":
            return {"name": "encoder", "band": ENCODER_BAND, **given}
        return given

    @field_validator("name")
    @classmethod
    def _own_name(cls, value: str) -> str:
        if value == "embedded":
            raise ValueError("`embedded` is the name of the detector that ships")
        return value

    @field_validator("band")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if value is None else _in_order(value)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "encoder":
            _takes_nothing(self)
            return self
        if not self.model:
            raise ValueError(f"kind {self.kind} needs model")
        two = self.kind in ("binoculars", "fast_detect_gpt")
        if self.kind == "binoculars" and self.second_model is None:
            raise ValueError("binoculars needs second_model (the performer)")
        if not two and self.second_model is not None:
            raise ValueError(f"kind {self.kind} takes no second_model")
        if self.kind in ("classifier", "onnx"):
            if self.synthetic_label is None:
                raise ValueError(f"kind {self.kind} needs synthetic_label, the label for machine-written")
        elif self.synthetic_label is not None:
            raise ValueError(f"kind {self.kind} takes no synthetic_label")
        _pinned("model", self.model, self.revision)
        if self.second_model is not None:
            _pinned("second_model", self.second_model, self.second_revision)
        return self


class Neural(Section):
    """Neural detectors beside the embedded one (extras `neural` and `encoder`)."""

    detectors: tuple[NeuralConfig, ...] = Field((), description="models to ask, in the order of reporting")
    combination: Combination | None = Field(
        None,
        description="how ratios become one; null: the mean of the detectors that have an opinion (the encoder alone: the "
        "combination that ships)",
    )

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [detector.name for detector in self.detectors]
        if len(set(names)) != len(names):
            raise ValueError(f"detector names must differ: {', '.join(names)}")
        check_combination(self.combination, names)
        return self


def check_combination(combination: Combination | None, names: Collection[str]) -> None:
    """Raise ValueError where the combination weighs a detector that is not configured."""
    unknown = sorted(set(combination.weights) - {"embedded", *names}) if combination and names else []
    if unknown:
        raise ValueError(f"combination.weights: no detector is called {', '.join(unknown)}")


def asks_as_shipped(neural: Neural) -> bool:
    """Whether the encoder is asked, alone and as it ships, so that the combination that ships is right for it."""
    if len(neural.detectors) != 1 or neural.combination is not None:
        return False
    return neural.detectors[0].kind == "encoder" and neural.detectors[0].calibration is None


def is_local(model: str) -> bool:
    """Whether `model` names a folder or file rather than a hub id."""
    return model.startswith(("/", ".", "~")) or Path(model).exists()


def _takes_nothing(config: NeuralConfig) -> None:
    """Raise ValueError where an encoder is given what it brings along."""
    free = {"name", "kind", "calibration", "band"}
    for name, field in NeuralConfig.model_fields.items():
        if name not in free and getattr(config, name) != field.default:
            raise ValueError(f"kind encoder takes no {name}: it ships whole and is read in one way")


def _pinned(field: str, model: str, revision: str | None) -> None:
    if is_local(model):
        if revision is not None:
            raise ValueError(f"{field} {model!r} is on disk and takes no revision")
    elif not _HUB_ID.fullmatch(model):
        raise ValueError(f"{field} {model!r} is neither a folder that exists nor a hub id")
    elif revision is None or not _COMMIT.fullmatch(revision):
        raise ValueError(
            f"{field} {model!r} is not a folder that exists; as a hub id it needs a revision that cannot move: "
            f"the commit's 40 hexadecimal digits, not {revision!r}"
        )


def _in_order(value: tuple[float, float]) -> tuple[float, float]:
    if not (math.isfinite(value[0]) and value[0] <= value[1]):
        raise ValueError(f"must be [low, high], not {list(value)}")
    return value
