"""`provenance audit`: versions of a dataset, each by itself and against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.audit.columns import texts_of
from provenance.audit.embeddings import Embedding
from provenance.audit.estimate import Counts, count_batch, prevalence_report, watermarks_report
from provenance.audit.inputs import SKETCH, AuditError, Reading, read_batches
from provenance.audit.near_duplicates import Sample, near_duplicates
from provenance.audit.selection import selection_of
from provenance.audit.sketches import passages
from provenance.audit.sketches.compare import (
    FEWEST_WORDS,
    compare,
    gravest,
    no_change,
    spectrum,
    summary,
    worst,
)
from provenance.audit.sketches.points import FEWEST as FEWEST_POINTS
from provenance.audit.sketches.points import Floats as PointFloats
from provenance.audit.sketches.points import Points
from provenance.audit.sketches.replicates import Floats
from provenance.audit.sketches.sampled import compare_samples
from provenance.audit.sketches.sampled import no_change as no_change_of_points
from provenance.audit.sketches.sketch import Sketch
from provenance.audit.sketches.strata import Sketches, read_sketches
from provenance.audit.sketches.templates import list_templates, template_shares
from provenance.files.storage import Storage

#: Most bytes of a file of sketches.
_SKETCH_BYTES = 4 << 30


@dataclass(frozen=True)
class Settings:
    """How datasets are read and compared."""

    text: str = "text"
    prompt: str | None = None
    dimensions: tuple[str, ...] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    embedding: Embedding | None = None  # for Vendi score and MAUVE
    keep_texts: bool = False  # sample beginnings of texts, which a model can read

    def empty(self) -> Sketches:
        """Sketches of nothing yet."""
        return Sketches(self.dimensions, Sketch(passages=passages.empty() if self.keep_texts else None))


@dataclass(frozen=True)
class Version:
    """What one pass over a dataset leaves; of a file of sketches there is nothing but those."""

    name: str
    sketches: Sketches
    counts: Counts | None = None
    sample: Sample | None = None
    unreadable: int = 0
    selected: str | None = None  # what was taken from it before, as far as that can be known


@dataclass(frozen=True)
class Baseline:
    """A dataset that versions are compared with; what no change of it looks like is found once."""

    name: str
    sketches: Sketches
    settings: Settings
    _same: dict[tuple[str, str] | None, dict[str, Floats]] = field(default_factory=dict, repr=False)
    _points: list[tuple[Points, dict[str, PointFloats]]] = field(default_factory=list, repr=False)

    def compare(self, version: Sketches, stratum: tuple[str, str] | None = None) -> dict[str, Any]:
        """The comparison of the whole, or of a stratum that both have."""
        own, other = (
            sketches.whole if stratum is None else sketches.strata[stratum]
            for sketches in (self.sketches, version)
        )
        if stratum not in self._same and own.words >= FEWEST_WORDS:
            self._same[stratum] = no_change(own, self.settings.seed)
        return compare(other, own, self.settings.tolerances, self.settings.seed, same=self._same.get(stratum))

    def compare_points(self, version: Sketches, name: str, found: dict[str, Any]) -> dict[str, Any]:
        """The comparison of the whole with measures of embedded samples, where they are asked for and there is enough text.

        Raises:
            AuditError: where sketches hold no texts to embed.
        """
        embedding, own = self.settings.embedding, self.sketches.whole
        if embedding is None or not found["measures"]:
            return found
        points, others = embedding.points(version.whole, own, (name, self.name))
        measures, samples = compare_samples(
            embedding.kind,
            points,
            others,
            tolerances=self.settings.tolerances,
            seed=self.settings.seed,
            same=self._no_change_of(others),
        )
        measures = found["measures"] | measures
        return found | {"status": worst(measures), "measures": measures, "samples": samples}

    def _no_change_of(self, points: Points) -> dict[str, PointFloats] | None:
        """What no change of the baseline's points looks like: those of a model stay, hashed words weigh by what they are compared with."""
        if len(points.groups) < FEWEST_POINTS:
            return None
        if not self._points or self._points[0][0] is not points:
            self._points[:] = [(points, no_change_of_points(points, self.settings.seed))]
        return self._points[0][1]


def audit(
    storage: Storage, datasets: Sequence[str], baseline: str | None = None, settings: Settings | None = None
) -> dict[str, Any]:
    """Audit datasets, of more than one the first being the baseline unless one is named.

    The result are JSON values: of one dataset its report, of several `versions`, a report for each, and `baseline`;
    `status` is the gravest of any: FAIL where a measure fell by more than its tolerance, WARN where what one added brings too
    little that is new, unknown where one could not be compared. docs/audit.md describes the rest.

    Raises:
        AuditError: where there is nothing to read, or it is damaged.
    """
    settings = settings or Settings()
    against = None
    if baseline is not None:
        against = Baseline(baseline, sketch_dataset(storage, baseline, settings), settings)
    reports = []
    for place, dataset in enumerate(datasets):
        version = read_version(storage, dataset, settings)
        if against is None and len(datasets) > 1 and place == 0:
            against = Baseline(dataset, version.sketches, settings)
            reports.append(report(version))
        else:
            reports.append(report(version, against))
    if len(reports) == 1:
        return reports[0]
    statuses = [item["status"] for item in reports if item["status"] is not None]
    return {
        "baseline": against.name if against else None,
        "status": gravest(statuses),
        "versions": reports,
    }


def read_version(storage: Storage, dataset: str, settings: Settings) -> Version:
    """One pass over a dataset, or the sketches of a file.

    Raises:
        AuditError: where it holds no documents with text, or is damaged.
    """
    if dataset.endswith(SKETCH):
        return Version(dataset, sketch_dataset(storage, dataset, settings))
    reading = Reading(settings.text, settings.prompt)
    sketches, counts, sample = settings.empty(), Counts(), Sample()
    for batch in read_batches(storage, dataset, reading):
        batch = _with_text(batch)
        if batch.num_rows:
            texts = texts_of(batch)
            count_batch(counts, batch, texts)
            sample.add(texts)
            sketches.add(batch)
    if sketches.whole.documents == 0:
        raise AuditError(f"{dataset}: holds no documents with text")
    selected = selection_of(storage, dataset, counts.probabilities)
    return Version(dataset, sketches, counts, sample, unreadable=reading.unreadable, selected=selected)


def sketch_dataset(storage: Storage, dataset: str, settings: Settings) -> Sketches:
    """The sketches of a dataset alone, which is several times faster than an audit; those of a file are read.

    Raises:
        AuditError: where it holds no documents with text, or is damaged.
        SketchError: where a file of sketches is of another format.
    """
    if dataset.endswith(SKETCH):
        if storage.info(dataset) is None:
            raise AuditError(f"{dataset}: there is no such file")
        with storage.open(dataset) as file:
            return read_sketches(file.read(_SKETCH_BYTES), dataset)
    sketches = settings.empty()
    for batch in read_batches(storage, dataset, Reading(settings.text, settings.prompt)):
        sketches.add(batch)
    if sketches.whole.documents == 0:
        raise AuditError(f"{dataset}: holds no documents with text")
    return sketches


def report(version: Version, against: Baseline | None = None) -> dict[str, Any]:
    """The report of one version as JSON values."""
    whole = version.sketches.whole
    result: dict[str, Any] = {
        "dataset": version.name,
        "documents": whole.documents,
        "unreadable": version.unreadable,
        "status": None,
    }
    if version.counts is not None:
        result["prevalence"] = prevalence_report(version.counts, version.selected)
        result["watermarks"] = watermarks_report(version.counts)
    diversity: dict[str, Any] = {
        **summary(whole),
        "spectrum": {kind: spectrum(whole, kind) for kind in ("words", "pairs", "triples", "lines")},
    }
    common = None
    if against is not None:
        own = against.sketches.whole
        common = template_shares(own.templates, own.documents)
    diversity["templates"] = list_templates(whole.templates, whole.documents, common)
    if version.sample is not None:
        documents = version.sample.documents()
        diversity["near_duplicates"] = proportion(near_duplicates(documents), len(documents))
    if against is not None:
        found = against.compare_points(version.sketches, version.name, against.compare(version.sketches))
        both = sorted(set(version.sketches.strata) & set(against.sketches.strata))
        strata = {"=".join(key): against.compare(version.sketches, key) for key in both}
        named = {"dataset": against.name, **summary(against.sketches.whole)}
        diversity["baseline"] = {**named, **found, "strata": strata}
        result["status"] = found["status"]
    return result | {"diversity": diversity}


def proportion(count: int, total: int) -> dict[str, Any]:
    """A share with its Wilson interval."""
    z2 = 1.959963984540054**2
    n = max(total, 1)
    p = count / n
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = float(np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)))) / (1 + z2 / n)
    return {
        "value": p,
        "interval": [max(0.0, middle - half), min(1.0, middle + half)],
        "documents": total,
    }


def _with_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    keep = np.asarray(pc.fill_null(pc.greater(pc.binary_length(texts_of(batch)), 0), False))
    return batch if keep.all() else batch.filter(pa.array(keep))
