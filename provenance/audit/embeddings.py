"""How sampled documents become points: by a model that the user names, or as hashed TF-IDF without one.

Only what a sketch keeps is used, so a dataset is read once, and a file of sketches stands for its dataset.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from provenance.audit.inputs import AuditError
from provenance.audit.sketches import passages, topics
from provenance.audit.sketches.points import Points
from provenance.audit.sketches.sketch import Sketch

#: What stands for no model: the hashed words that topics are made of.
TFIDF = "tfidf"


class Embedding(Protocol):
    """Makes points of what two sketches hold."""

    @property
    def kind(self) -> str:
        """The end of the names of the measures."""

    def points(self, dataset: Sketch, baseline: Sketch, names: tuple[str, str]) -> tuple[Points, Points]:
        """The sampled documents of two sketches, which are called by these names.

        Raises:
            AuditError: where a sketch does not hold what is needed.
        """


class HashedWords:
    """Documents as hashed TF-IDF, words weighing as both datasets have them. No model, no neural measure."""

    kind = TFIDF

    def points(self, dataset: Sketch, baseline: Sketch, names: tuple[str, str]) -> tuple[Points, Points]:
        own, other = (
            Points(side.groups, side.counts.astype(float), side.places)
            for side in topics.weigh(dataset.topics, baseline.topics)
        )
        return own, other


class ModelEmbedding:
    """Documents as a transformers model in a folder sees their beginnings; those of the last baseline are kept."""

    kind = "embeddings"

    def __init__(self, folder: str) -> None:
        from provenance.audit.encoder import Encoder  # needs the extra `neural`

        self._encoder = Encoder(folder)
        self._known: tuple[Sketch, Points] | None = None

    def points(self, dataset: Sketch, baseline: Sketch, names: tuple[str, str]) -> tuple[Points, Points]:
        if self._known is None or self._known[0] is not baseline:
            self._known = baseline, self._embed(baseline, names[1])
        return self._embed(dataset, names[0]), self._known[1]

    def _embed(self, sketch: Sketch, name: str) -> Points:
        kept = sketch.passages
        if kept is None:
            raise AuditError(
                f"{name}: this file of sketches holds no texts that a model could read; sketch the dataset again with --keep-texts"
            )
        groups = np.array([group for group, _ in kept.things()], np.int64)
        return Points(groups, kept.counts().astype(float), self._encoder.points(passages.texts_of(kept)))


def make_embedding(model: str) -> Embedding:
    """What `--embeddings` names: `tfidf`, or the folder of a model.

    Raises:
        NeuralError: where there is no such model or the extra `neural` is missing.
    """
    return HashedWords() if model == TFIDF else ModelEmbedding(model)
