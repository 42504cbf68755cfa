"""Stage 4: write the data and ledger files of a release, each a task of its own."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from provenance.release.parts import Part
from provenance.release.publication import Publication


@dataclass
class WriteParts(beam.PTransform[PCollection[Part], PCollection[str]]):
    """From planned files to their paths; each file and its counts stand when its task has ended.

    Attributes:
        publication: the release that they belong to.
    """

    publication: Publication

    def expand(self, parts: PCollection[Part]) -> PCollection[str]:
        paths: PCollection[str] = parts | "Spread" >> beam.Reshuffle() | "Write" >> beam.Map(self.write)
        return paths

    def write(self, part: Part) -> str:
        size = self.publication.write(part)
        Metrics.counter(WriteParts, "bytes").inc(size)
        return part.path
