"""The annotator `watermarks`: every configured watermark is looked for in every document.

Columns: `watermarks`, the findings below the reporting level with p-values corrected for everything tried on
the document, and `watermark_evidence`, what they are worth for the synthetic probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from provenance import schema
from provenance.annotators.watermarks.config import WatermarkConfig
from provenance.annotators.watermarks.null import MIN_LLR, sidak, watermark_llr
from provenance.annotators.watermarks.ragged import I64
from provenance.annotators.watermarks.scheme import Measurements, Scheme
from provenance.annotators.watermarks.tokenizers import Tokenizer

#: Corrected p-values from here on are not written: they are what an unmarked text looks like.
REPORTED_BELOW = 0.01
#: No tokenizer reads more than a few characters a token, so shorter texts are not even tokenised.
_MIN_CHARACTERS = 40


class Watermarks:
    """Looks for each of `configs`; the order of `configs` is the order of findings."""

    name = "watermarks"
    version = "2"
    schema = pa.schema([("watermarks", schema.WATERMARKS), ("watermark_evidence", schema.EVIDENCE)])

    def __init__(self, configs: Sequence[WatermarkConfig], reported_below: float = REPORTED_BELOW) -> None:
        names = [config.name for config in configs]
        if len(set(names)) != len(names):
            raise ValueError(f"watermark names must differ: {', '.join(names)}")
        self._configs = list(configs)
        self._reported_below = reported_below
        self._tokenizers: dict[str, Tokenizer] = {}
        self._schemes: list[Scheme] = []

    def setup(self) -> None:
        """Load the tokenizers and build the schemes."""
        self._tokenizers = {name: Tokenizer(name) for name in sorted({c.tokenizer for c in self._configs})}
        self._schemes = [c.build(self._tokenizers[c.tokenizer].vocab_size) for c in self._configs]

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """`watermarks` and `watermark_evidence`: null for a row without text or with an outcome."""
        texts: list[str | None] = batch.column("text").to_pylist()
        if "outcome" in batch.schema.names:
            settled = batch.column("outcome").is_valid().to_pylist()
            texts = [None if done else text for text, done in zip(texts, settled, strict=True)]
        rows = np.array(
            [k for k, text in enumerate(texts) if text and len(text) >= _MIN_CHARACTERS], np.int64
        )
        findings: list[list[dict[str, Any]] | None] = [None if text is None else [] for text in texts]
        evidence: list[list[dict[str, Any]] | None] = [None if text is None else [] for text in texts]
        if len(rows) and self._configs:
            self._report(rows, self.measure([texts[k] or "" for k in rows]), findings, evidence)
        return [pa.array(findings, type=schema.WATERMARKS), pa.array(evidence, type=schema.EVIDENCE)]

    def measure(self, texts: Sequence[str]) -> list[tuple[WatermarkConfig, Measurements]]:
        """Each configured watermark measured on each text; p-values uncorrected, one row per text."""
        encoded = {name: tokenizer.encode(texts) for name, tokenizer in self._tokenizers.items()}
        return [
            (config, scheme.measure(*encoded[config.tokenizer]))
            for config, scheme in zip(self._configs, self._schemes, strict=True)
        ]

    def _report(
        self,
        rows: I64,
        measured: Sequence[tuple[WatermarkConfig, Measurements]],
        findings: list[list[dict[str, Any]] | None],
        evidence: list[list[dict[str, Any]] | None],
    ) -> None:
        """Write what was found in `rows` into the two lists."""
        # corrected for all that is configured, judged or skipped: what is tried does not depend on the outcome
        corrected = np.stack([sidak(found.p_value, len(measured)) for _, found in measured])
        judged = np.stack([found.p_value < 1.0 for _, found in measured]).any(axis=0)
        for k in np.flatnonzero(judged).tolist():
            evidence[rows[k]] = [{"source": "watermarks", "llr": MIN_LLR, "because": "no watermark found"}]
        for k in np.flatnonzero(corrected.min(axis=0) < self._reported_below).tolist():
            findings[rows[k]] = [
                {
                    "scheme": config.scheme,
                    "key": config.name,
                    "z": float(found.z[k]),
                    "p_value": float(p[k]),
                    "tokens": int(found.tokens[k]),
                }
                for (config, found), p in zip(measured, corrected, strict=True)
                if p[k] < self._reported_below
            ]
            # one ratio for the document: several keys that fire share the same words
            best = int(corrected[:, k].argmin())
            p_best = float(corrected[best, k])
            because = f"{measured[best][0].name}: corrected p {p_best:.1e}, {len(measured)} tried"
            evidence[rows[k]] = [{"source": "watermarks", "llr": watermark_llr(p_best), "because": because}]
