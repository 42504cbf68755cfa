"""The annotators of a configuration in their order, and what they make of a batch of records.

Every record that is read becomes one row, documents and others (promise 1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.annotators.annotator import Annotator, Failures, annotate_batch
from provenance.annotators.claims import Claims
from provenance.annotators.classifier import FastTextClassifier
from provenance.annotators.columns import kept_rows, with_columns
from provenance.annotators.declarations.site_files import read_site_file
from provenance.annotators.language import Language
from provenance.annotators.marks.annotator import Marks
from provenance.annotators.marks.invisible import clean_invisible
from provenance.annotators.personal.annotator import PersonalDataCounts
from provenance.annotators.quality.annotator import Quality
from provenance.annotators.source import Source
from provenance.annotators.text import MainText
from provenance.annotators.tokens import Tokens
from provenance.annotators.watermarks import Watermarks
from provenance.configuration import Configuration, fingerprint
from provenance.detectors.embedded import EmbeddedDetector
from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.calibration import chosen_combination
from provenance.duplicates.minhash import MinHash
from provenance.duplicates.word_sample import WordSample
from provenance.evidence import join_lists
from provenance.files.shards import pack_signatures
from provenance.records.site_files import ADDRESSES
from provenance.schema import ANNOTATED, DETECTORS, EVIDENCE, RECORDS, SITE_RIGHTS, TIME

#: A text of more tokens than the first number and more to a word than the second is no prose: the most in any
#: language of the development corpus is 6 tokens to a word; megabytes without a space or of entities have thousands.
JUNK_TOKENS, JUNK_RATIO = 20_000, 20
#: Version of what the reader makes of a record: shards of another one are annotated again.
READER = 4
#: Text annotators that others build on, or whose evidence is joined with others' in a shard.
_JOINED = (Language.name, EmbeddedDetector.name, "neural", Watermarks.name)


@dataclass(frozen=True)
class Extracted:
    """A batch on its way: all its records, its documents with their text, and what failed so far."""

    batch: pa.RecordBatch
    documents: pa.RecordBatch
    failures: Failures


class Annotation:
    """The annotators of a configuration, in the order in which they run."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        text = configuration.text
        # These read the page as it came: its markup, headers and invisible characters.
        self.page: list[Annotator] = [
            MainText(extractor=text.extractor, max_seconds=text.max_seconds),
            Source(),
            Claims(),
            Marks(),
        ]
        # These read the text as it will be published.
        self.tokens = Tokens(text.tokenizer)
        duplicates = configuration.duplicates
        self.text: list[Annotator] = [
            Language(),
            self.tokens,
            MinHash(ngram=duplicates.ngram, seed=duplicates.seed),
            WordSample(),
            EmbeddedDetector(configuration.detector.model),
            *_neural_detectors(configuration),
            Watermarks(configuration.watermarks),
            Quality(),
            PersonalDataCounts(configuration.personal_data.counted),
            *(FastTextClassifier(item.name, item.model, item.label) for item in configuration.classifiers),
            *_further_annotators(configuration),
        ]
        fields = {field.name: field for annotator in self.text for field in annotator.schema}
        further = [
            field for name, field in fields.items() if name not in ANNOTATED.names and not _is_joined(field)
        ]
        self.schema = pa.schema([*ANNOTATED, *further])

    def setup(self) -> None:
        for annotator in [*self.page, *self.text]:
            annotator.setup()

    def fingerprint(self) -> str:
        """Hash of everything that decides what a shard holds, apart from its input."""
        configuration = self._settings("source", "reading", "text", "watermarks")
        duplicates = self.configuration.duplicates.model_dump(include={"ngram", "seed"})
        versions = [[annotator.name, annotator.version] for annotator in [*self.page, *self.text]]
        texts = [duplicates, versions, self.configuration.annotator_options]
        return fingerprint(READER, configuration, *texts, self.schema.to_string())

    def parts(self) -> dict[str, Any]:
        """Identities of what made a shard: of the reader, of what reads pages, and of each annotator of texts by its name."""
        settings = self._settings("source", "reading", "text")
        options = {
            MinHash.__name__.lower(): self.configuration.duplicates.model_dump(include={"ngram", "seed"}),
            **self.configuration.annotator_options,
        }
        watermarks = self.configuration.model_dump(mode="json", include={"watermarks"})
        pages = [[annotator.name, annotator.version] for annotator in self.page]
        return {
            "reader": READER,
            "pages": [settings, pages],
            "texts": {
                annotator.name: [
                    annotator.version,
                    str(annotator.schema),
                    options.get(annotator.name),
                    watermarks,
                ]
                if annotator.name == Watermarks.name
                else [annotator.version, str(annotator.schema), options.get(annotator.name)]
                for annotator in self.text
            },
        }

    def _settings(self, *sections: str) -> dict[str, Any]:
        """Sections of the configuration, without where files are cut: each shard says which bytes it was made from."""
        found = self.configuration.model_dump(mode="json", include=set(sections))
        del found["reading"]["span_bytes"]
        return found

    def reruns(self, before: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """What has changed since shards with these `parts` were made.

        Returns the annotators that can run again on the texts of the shards, and what needs the pages again: the reader,
        `pages`, and annotators whose evidence is joined with others' or whose columns others read.
        """
        now = self.parts()
        changed = [name for name, identity in now["texts"].items() if before["texts"].get(name) != identity]
        pages = [name for name in ("reader", "pages") if before[name] != now[name]]
        gone = [name for name in before["texts"] if name not in now["texts"]]
        joined = {item.name for item in self.text if any(map(_is_joined, item.schema))} | {Language.name}
        needed = [name for name in changed if name in joined] + [name for name in gone if name in _JOINED]
        return [name for name in changed if name not in joined], [*pages, *needed]

    def refresh(self, batch: pa.RecordBatch, names: Collection[str]) -> pa.RecordBatch:
        """Bring rows of an earlier shard up to date: text annotators `names` run again, columns it does not have are null."""
        position = pc.indices_nonzero(pc.is_null(batch["outcome"]))
        nothing = pa.nulls(len(position), pa.string())
        documents = with_columns(batch.take(position), {"text_outcome": nothing, "text_detail": nothing})
        failures: Failures = {}
        made: set[str] = set()
        for annotator in self.text:
            if annotator.name in names and documents.num_rows:
                documents = annotate_batch(annotator, documents, failures)
                made.update(annotator.schema.names)
        if documents.num_rows:
            documents = _without_junk(documents)
            batch = _record_failures(batch, position, documents, failures)
        index = np.full(batch.num_rows, -1, dtype=np.int64)
        index[np.asarray(position)] = np.arange(len(position))
        take = pa.array(index, mask=(index < 0) | ~np.asarray(pc.is_null(batch["outcome"])))
        columns = []
        for field in self.schema:
            if field.name in made:
                column = documents[field.name]
                column = (pack_signatures(column) if field.name == "minhash" else column).take(take)
            elif field.name in batch.schema.names:
                column = batch[field.name]
            else:
                column = pa.nulls(batch.num_rows, field.type)
            columns.append(column if column.type == field.type else column.cast(field.type))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def __call__(self, batch: pa.RecordBatch, input_name: str, doc_ids: pa.Array) -> pa.RecordBatch:
        """Annotate one batch of `schema.RECORDS`; the result has `self.schema` and the same rows."""
        return self.complete(self.extract(batch, input_name, doc_ids))

    def extract(self, batch: pa.RecordBatch, input_name: str | Sequence[str], doc_ids: pa.Array) -> Extracted:
        """The first half: identity and main text, which another process works out. `input_name`: of all rows, or of each."""
        names = [input_name] * batch.num_rows if isinstance(input_name, str) else input_name
        batch = with_columns(batch, {"doc_id": doc_ids, "input_file": pa.array(names, pa.string())})
        if self.configuration.source is not None:
            batch = with_columns(batch, {"source": pa.array([self.configuration.source] * batch.num_rows)})
        batch = with_columns(batch, {"site_rights": _site_rights(batch)})
        documents = kept_rows(batch, pc.is_null(batch["outcome"]))
        failures: Failures = {}
        if documents.num_rows:
            documents = annotate_batch(self.page[0], documents, failures)
        return Extracted(batch, documents, failures)

    def complete(self, extracted: Extracted) -> pa.RecordBatch:
        """The second half: all other annotators, and the columns in their order."""
        batch, documents, failures = extracted.batch, extracted.documents, extracted.failures
        position = pc.indices_nonzero(pc.is_null(batch["outcome"]))
        if documents.num_rows:
            documents = self._annotate_documents(documents, failures)
            batch = _record_failures(batch, position, documents, failures)
            batch = _record_doubts(batch, position, documents["capture_doubt"])
        return self._arrange(batch, documents, position)

    def _annotate_documents(self, documents: pa.RecordBatch, failures: Failures) -> pa.RecordBatch:
        for annotator in self.page[1:]:
            documents = annotate_batch(annotator, documents, failures)
        documents = documents.drop_columns(["body", "http_headers"])
        if self.configuration.text.clean_invisible:
            documents = with_columns(documents, {"text": clean_invisible(documents["text"])})
        for annotator in self.text:
            documents = annotate_batch(annotator, documents, failures)
        return _without_junk(documents)

    def _arrange(
        self, batch: pa.RecordBatch, documents: pa.RecordBatch, position: pa.Array
    ) -> pa.RecordBatch:
        """Lay the documents' columns over the batch: null where a row is no document."""
        is_document = np.asarray(pc.is_null(batch["outcome"]))
        index = np.full(batch.num_rows, -1, dtype=np.int64)
        index[np.asarray(position)] = np.arange(len(position))
        take = pa.array(index, mask=(index < 0) | ~is_document)
        own = set(RECORDS.names) - {"text"} | {"doc_id", "input_file", "site_rights"}
        columns: list[pa.Array] = []
        made = {}
        if documents.num_rows:
            made = {
                "text_bytes": pc.binary_length(documents["text"]),
                "evidence": _joined(documents, EVIDENCE, "_evidence"),
                "detectors": _joined(documents, DETECTORS, "detectors"),
                "minhash": pack_signatures(documents["minhash"]),
            }
        for field in self.schema:
            if field.name in own:
                column = batch[field.name]
            elif not documents.num_rows:
                column = pa.nulls(batch.num_rows, field.type)
            else:
                column = pc.take(made[field.name] if field.name in made else documents[field.name], take)
            columns.append(column if column.type == field.type else column.cast(field.type))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _site_rights(batch: pa.RecordBatch) -> pa.Array:
    """What records that are files of a host say of its pages; null elsewhere."""
    named = pc.match_substring_regex(batch["url"], ADDRESSES).fill_null(False)
    # An RSL document of any name is told by its content: of other files for programs no bytes are kept.
    told = pc.and_(pc.equal(batch["outcome"], "site_file").fill_null(False), batch["body"].is_valid())
    answered = pc.equal(batch["http_status"].fill_null(200), 200)
    rows = np.flatnonzero(
        np.asarray(pc.and_(pc.or_(named, pc.and_(told, batch["url"].is_valid())), answered))
    )
    found: dict[int, list[dict[str, str]]] = {}
    for row in rows.tolist():
        body, text = batch["body"][row].as_py(), batch["text"][row].as_py()
        rules = read_site_file(batch["url"][row].as_py(), body or (text or "").encode())
        if rules:
            found[row] = [rule.as_dict() for rule in rules]
    if not found:
        return pa.nulls(batch.num_rows, SITE_RIGHTS)
    return pa.array([found.get(row) for row in range(batch.num_rows)], SITE_RIGHTS)


def _without_junk(documents: pa.RecordBatch) -> pa.RecordBatch:
    """Documents whose text is a long run of no words are none: the reason `not_prose` with what was counted."""
    tokens, words = (np.asarray(documents[name].fill_null(0)) for name in ("token_count", "word_count"))
    junk = (tokens > JUNK_TOKENS) & (tokens > JUNK_RATIO * words.astype(np.int64))
    if not junk.any():
        return documents
    told = [f"{count:,} tokens in {number:,} words" for count, number in zip(tokens, words, strict=True)]
    outcome, detail = documents["text_outcome"], documents["text_detail"]
    found = pa.array(junk & np.asarray(outcome.is_null()))
    return with_columns(
        documents,
        {
            "text_outcome": pc.if_else(found, pa.scalar("not_prose"), outcome),
            "text_detail": pc.if_else(found, pa.array(told), detail),
        },
    )


def _neural_detectors(configuration: Configuration) -> list[Annotator]:
    neural = configuration.neural
    if not neural.detectors:
        return []
    return [NeuralDetectors(neural.detectors, chosen_combination(neural, configuration.detector.model))]


def _further_annotators(configuration: Configuration) -> list[Annotator]:
    points = {point.name: point for point in entry_points(group="provenance.annotators")}
    options = configuration.annotator_options
    return [points[name].load()(**options.get(name, {})) for name in configuration.annotators]


def _record_failures(
    batch: pa.RecordBatch, position: pa.Array, documents: pa.RecordBatch, failures: Failures
) -> pa.RecordBatch:
    """Write what went wrong with documents into the `outcome` and `detail` of their records."""
    outcome, detail = batch["outcome"].to_pylist(), batch["detail"].to_pylist()
    columns = ("doc_id", "text_outcome", "text_detail")
    found = zip(position.to_pylist(), *(documents[name].to_pylist() for name in columns), strict=True)
    for row, doc_id, text_outcome, text_detail in found:
        if text_outcome is not None:
            outcome[row], detail[row] = text_outcome, text_detail
        elif doc_id in failures:
            outcome[row], detail[row] = failures[doc_id]
    return with_columns(
        batch, {"outcome": pa.array(outcome, pa.string()), "detail": pa.array(detail, pa.string())}
    )


def _record_doubts(batch: pa.RecordBatch, position: pa.Array, doubts: pa.Array) -> pa.RecordBatch:
    """Take the capture from records whose own claims refute it, and say so."""
    if doubts.null_count == len(doubts):
        return batch
    said = np.full(batch.num_rows, None, dtype=object)
    said[np.asarray(position)] = [doubt and f"contradicted: {doubt}" for doubt in doubts.to_pylist()]
    remark = pa.array(said, pa.string())
    kept = pc.is_null(remark)
    return with_columns(
        batch,
        {
            "capture_time": pc.if_else(kept, batch["capture_time"], pa.scalar(None, TIME)),
            "capture_evidence": pc.if_else(kept, batch["capture_evidence"], pa.scalar(None, pa.string())),
            "time_remark": pc.coalesce(remark, batch["time_remark"]),
        },
    )


def _is_joined(field: pa.Field) -> bool:
    """Whether a column becomes part of the published `evidence` or `detectors`."""
    evidence = field.name.endswith("_evidence") and field.type == EVIDENCE
    return bool(evidence or (field.name.endswith("_detectors") and field.type == DETECTORS))


def _joined(documents: pa.RecordBatch, kind: pa.ListType, suffix: str) -> pa.Array:
    """The lists of all columns of type `kind` whose names end so, joined row by row in their order."""
    columns = [
        documents[field.name]
        for field in documents.schema
        if field.name.endswith(suffix) and field.type == kind
    ]
    return join_lists(columns) if columns else pa.array([[]] * documents.num_rows, kind)
