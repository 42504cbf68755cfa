"""Which documents may not be published whatever the cap says: the first reason of each, from annotated columns alone.

Removal requests come first, then reservations, personal data and the configured filters in their order. They run
before keepers are chosen, so that a document that is dropped does not take its duplicates with it (promise 3).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.language import language_codes
from provenance.configuration import Configuration
from provenance.decisions.certificate import fractions
from provenance.decisions.measure import Sums, add_sums
from provenance.decisions.site_rights import SiteRights, with_site_rights
from provenance.errors import ConfigurationError
from provenance.files.storage import LocalStorage, Storage
from provenance.filters.config import BlockList, Classified, Expression, Languages
from provenance.filters.evaluation_sets import digest_sets, read_sets
from provenance.filters.expression import Condition, read_condition
from provenance.filters.files import digest_files, read_block_list, read_removals
from provenance.filters.grams import GramIndex, excerpt
from provenance.filters.listing import KINDS, Listing
from provenance.filters.presets import Preset, Rule
from provenance.outcomes import FILTER

Mask = NDArray[np.bool_]
#: What a filter looks documents up in.
Lookup = Listing | GramIndex
#: What a filter says of a table: which rows fail, and why each of those does, in order.
Judgement = tuple[Mask, list[str]]

#: What is written beside each shard, row for row: null `reason` where nothing keeps a document from being published.
VERDICTS = pa.schema(
    [
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("with_duplicates", pa.bool_()),  # removed together with its verified near-duplicates
    ]
)
#: Families of `rights_signals`, by the beginning of `where` without its `http `, `meta ` or `site `.
_SIGNAL_PREFIXES = {
    "tdm-reservation": "tdm-reservation",
    "content-usage": "content-usage",
    "content-signal": "content-signal",
    "inline RSL": "rsl",
    "RSL document": "rsl",
    "robots.txt": "robots-txt",
    "tdmrep.json": "tdmrep",
    "ai.txt": "ai-txt",
}


@dataclass(frozen=True)
class Step:
    """One filter: its reason in the ledger, the columns it reads, and its judgement of a table of documents.

    A filter by a list has its number (see `Plan.listings`), which `judge` is given where it is not None; what is only
    marked has its detail and no reason.
    """

    reason: str
    columns: tuple[str, ...]
    judge: Callable[..., Judgement] | None
    listing: int | None = None
    marks: bool = False


@dataclass(frozen=True)
class Plan:
    """All filters of a configuration, checked. Small: it travels to every worker; the lists do not.

    Attributes:
        steps: in the order in which they run.
        listings: what to read for each list, and the columns it needs are known only then.
        digests: of the files that are read.
        with_duplicates: kinds of removal requests that near-duplicates follow.
        settings: what decides which documents may be published, apart from the files; for fingerprints.
    """

    steps: tuple[Step, ...] = ()
    listings: tuple[Callable[[], Lookup], ...] = ()
    digests: tuple[str, ...] = ()
    with_duplicates: tuple[str, ...] = ()
    settings: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons that the filters give, in their order."""
        return tuple(step.reason for step in self.steps)

    @property
    def always(self) -> Plan:
        """Without the filters of the configuration: what holds for documents of an earlier release too."""
        return replace(self, steps=tuple(step for step in self.steps if not step.reason.startswith(FILTER)))

    def columns(self, listings: tuple[Lookup, ...]) -> list[str]:
        """The columns of a shard that the filters read."""
        names = ["outcome", "host", "url", "rights_signals", "train_opt_out"]
        for step in self.steps:
            names += step.columns
            names += listings[step.listing].columns if step.listing is not None else ()
        return list(dict.fromkeys(names))


def plan_filters(configuration: Configuration, schema: pa.Schema, storage: Storage | None = None) -> Plan:
    """The filters of a configuration, whose expressions may name the columns of `schema` (an annotated shard).

    `storage` is where evaluation sets are; None: on this machine.

    Raises:
        ConfigurationError: for an expression or a file that cannot be used; says what there is.
    """
    steps: list[Step] = []
    listings: list[Callable[[], Lookup]] = []
    digests: list[str] = []
    removals = configuration.removals
    if removals.lists:
        digests += digest_files(removals.lists, "removals")
        steps.append(Step("removed", (), None, listing=len(listings)))
        listings.append(_checked(partial(read_removals, removals.lists)))
    if configuration.rights.policy == "exclude":
        judge = partial(_judge_rights, signals=configuration.rights.signals)
        steps.append(Step("opt_out", ("rights_signals",), judge))
    dropped = configuration.personal_data.kinds("drop")
    if dropped:
        steps.append(Step("personal_data", ("personal_data",), partial(_judge_personal, kinds=dropped)))
    sets = configuration.decontaminate
    if sets.datasets:
        places = storage or LocalStorage()
        digests += digest_sets(places, sets.datasets)
        judge_overlap = partial(_judge_overlap, least=sets.min_share)
        steps.append(Step("contaminated", (), judge_overlap, len(listings), sets.policy == "mark"))
        limits = {"words": sets.words, "least": min(sets.min_words, sets.words), "common": sets.common}
        listings.append(partial(read_sets, places, sets.datasets, **limits))
    for item in configuration.filters:
        reason = FILTER + item.name
        _check_languages(item)
        if isinstance(item, BlockList):
            where = f"filters: {item.name}"
            digests += digest_files((*item.hosts, *item.urls), where)
            steps.append(Step(reason, (), None, listing=len(listings)))
            listings.append(_checked(partial(read_block_list, item.hosts, item.urls, where)))
        else:
            steps.append(_plain_step(reason, item, schema))
    # Personal data that is marked or masked drops nothing.
    settings = configuration.model_dump(
        mode="json", include={"filters", "rights", "removals", "decontaminate"}
    ) | {"dropped": dropped}
    return Plan(
        steps=tuple(steps),
        listings=tuple(listings),
        digests=tuple(digests),
        with_duplicates=removals.near_duplicates,
        settings=json.dumps(settings, sort_keys=True),
    )


def _checked(read: Callable[[], Lookup]) -> Callable[[], Lookup]:
    """`read`, which was tried once: a line that cannot be read is refused before any work, not after hours of annotating."""
    read()
    return read


def _check_languages(item: Any) -> None:
    """Refuse a language that no document can have: it would drop them all, or judge none, without a word."""
    known = language_codes()
    for key in ("allow", "only"):
        for code in getattr(item, key, ()):
            if code not in known:
                raise ConfigurationError(
                    f"filters: {item.name}: {key}: no document is of the language {code!r}; "
                    "languages are written by their ISO 639 codes, such as en"
                )


def _plain_step(reason: str, item: Any, schema: pa.Schema) -> Step:
    """The step of a filter that reads columns alone."""
    if isinstance(item, Languages):
        judge = partial(_judge_languages, allow=item.allow, least=item.min_score)
        return Step(reason, ("language", "language_score"), judge)
    if isinstance(item, Expression):
        condition = read_condition(item.keep, schema, f"filters: {item.name}")
        return Step(reason, condition.columns, partial(_judge_condition, condition=condition))
    if isinstance(item, Classified):
        column = f"{item.classifier}_score"
        judge = partial(_judge_score, column=column, least=item.min_score, most=item.max_score)
        return Step(reason, (column,), judge)
    return Step(reason, ("quality", "language"), partial(judge_preset, preset=item))


def judge_documents(table: pa.Table, plan: Plan, listings: tuple[Lookup, ...]) -> pa.Table:
    """The verdict on each row of a table with the columns `plan.columns(listings)`: rows of `VERDICTS`.

    A row that is no document has none.
    """
    rows = np.flatnonzero(np.asarray(pc.is_null(table["outcome"])))
    reason: NDArray[Any] = np.full(len(table), None, object)
    detail: NDArray[Any] = np.full(len(table), None, object)
    together = np.zeros(len(table), bool)
    for step in plan.steps:
        documents = table.take(pa.array(rows))
        listing = None if step.listing is None else listings[step.listing]
        if isinstance(listing, Listing):
            failed, why, kinds = _judge_listed(documents, listing)
            if step.reason == "removed":
                together[rows[failed]] = np.isin(kinds, [KINDS.index(name) for name in plan.with_duplicates])
        elif step.judge is not None:
            failed, why = step.judge(documents) if listing is None else step.judge(documents, listing)
        if step.marks:
            detail[rows[failed]] = why
            continue
        reason[rows[failed]] = step.reason
        detail[rows[failed]] = why
        rows = rows[~failed]
    return pa.table([reason.tolist(), detail.tolist(), together], schema=VERDICTS)


def judge_batches(
    batches: Iterator[pa.RecordBatch], plan: Plan, listings: tuple[Lookup, ...], sites: SiteRights
) -> Iterator[pa.Table]:
    """The verdicts on a stream of batches, one table for each; `sites`: what the files of hosts say of their pages."""
    for batch in batches:
        yield judge_documents(with_site_rights(pa.Table.from_batches([batch]), sites), plan, listings)


def report_filters(reasons: Sequence[str], filtered: Mapping[str, Sums]) -> list[dict[str, Any]]:
    """The `filters` section of a manifest: for each reason what it dropped and the synthetic shares before and after it.

    `filtered` has the sums of the documents, duplicates too, that each reason drops, and of those that pass ("").
    """
    report: list[dict[str, Any]] = []
    after = add_sums([filtered[""]] if "" in filtered else [])
    for reason in reversed(reasons):
        dropped = add_sums([filtered[reason]] if reason in filtered else [])
        before = add_sums([after, dropped])
        report.append(
            {
                "reason": reason,
                "dropped": dropped,
                "before": fractions(before),
                "after": fractions(after),
            }
        )
        after = before
    return report[::-1]


def _judge_listed(table: pa.Table, listing: Listing) -> tuple[Mask, list[str], NDArray[np.int8]]:
    """Documents that a list names, why, and the kind of entry that does."""
    found = listing.find(table)
    failed = found.kind >= 0
    why = []
    columns = {name: table[name] for name in listing.columns if name != "text"}
    for row in np.flatnonzero(failed).tolist():
        kind = KINDS[found.kind[row]]
        value = columns["content_digest" if kind == "digest" else "url" if kind == "url_prefix" else kind][
            row
        ].as_py()
        note = f": {listing.notes[found.note[row]]}" if found.note[row] >= 0 else ""
        why.append(f"{kind.replace('_', ' ')} {str(value)[:200]} is listed{note}")
    return failed, why, found.kind[failed]


def _judge_overlap(table: pa.Table, index: GramIndex, least: float) -> Judgement:
    """Documents that hold runs of evaluation sets: what, from where, and which bytes of their text."""
    texts = table["text"].combine_chunks()
    failed = np.zeros(len(table), bool)
    why = []
    for row, found in sorted(index.find(texts).items()):
        if found.share >= least:
            failed[row] = True
            said = excerpt(texts[row].as_py(), found)
            why.append(
                f"{found.words} words at bytes {found.start} to {found.end} of the text are in {index.names[found.text]} "
                f"({found.share:.0%} of it): {said}"
            )
    return failed, why


def _judge_rights(table: pa.Table, signals: tuple[str, ...]) -> Judgement:
    column = table["rights_signals"].combine_chunks()
    flat = column.flatten()
    parents = np.asarray(pc.list_parent_indices(column)).astype(np.int64)
    failed = np.zeros(len(table), bool)
    why: dict[int, str] = {}
    for at in np.flatnonzero(np.asarray(pc.equal(flat.field("signal"), "optout").fill_null(False))).tolist():
        item = flat[at].as_py()
        family = signal_family(item["where"] or "")
        row = int(parents[at])
        if family in signals and not failed[row]:
            failed[row] = True
            why[row] = f"{family}: {item['where']} says {item['value']}"[:300]
    return failed, [why[row] for row in sorted(why)]


def signal_family(where: str) -> str:
    """The family of a reservation (`provenance.filters.config.RightsSignal`) by where it stands."""
    bare = where.removeprefix("http ").removeprefix("meta ").removeprefix("site ")
    return next((family for prefix, family in _SIGNAL_PREFIXES.items() if bare.startswith(prefix)), "robots")


def _judge_personal(table: pa.Table, kinds: tuple[str, ...]) -> Judgement:
    column = table["personal_data"].combine_chunks()
    counts = {kind: np.asarray(pc.fill_null(pc.struct_field(column, kind), 0)) for kind in kinds}
    failed = np.zeros(len(table), bool)
    for found in counts.values():
        failed |= found > 0
    why = [
        ", ".join(f"{counts[kind][row]} {kind}" for kind in kinds if counts[kind][row])
        for row in np.flatnonzero(failed).tolist()
    ]
    return failed, why


def _judge_languages(table: pa.Table, allow: tuple[str, ...], least: float) -> Judgement:
    language, score = table["language"], table["language_score"]
    allowed = pc.is_in(language, value_set=pa.array(allow))
    failed = ~np.asarray(
        pc.and_(allowed, pc.greater_equal(score.fill_null(0), np.float32(least))), dtype=bool
    )
    pairs = zip(
        language.filter(pa.array(failed)).to_pylist(), score.filter(pa.array(failed)).to_pylist(), strict=True
    )
    return failed, [f"language {name or 'unknown'}, score {value or 0:.2f}" for name, value in pairs]


def _judge_condition(table: pa.Table, condition: Condition) -> Judgement:
    failed = ~condition.holds(table)
    return failed, [f"not: {condition.text}"[:300]] * int(failed.sum())


def _judge_score(table: pa.Table, column: str, least: float | None, most: float | None) -> Judgement:
    score = np.asarray(table[column].fill_null(np.nan), np.float32)
    passed = (score >= np.float32(-np.inf if least is None else least)) & (
        score <= np.float32(np.inf if most is None else most)
    )
    failed = ~passed  # without a score a document does not pass
    return failed, [f"{column} {value:.4f}" for value in score[failed].tolist()]


def judge_preset(table: pa.Table, preset: Preset) -> Judgement:
    """The first rule that each document breaks; documents of languages that the preset does not judge pass."""
    coded = pc.fill_null(table["language"], "").combine_chunks().dictionary_encode()
    measures = table["quality"].combine_chunks()
    codes = np.asarray(coded.indices)
    why: dict[int, str] = {}
    for code, language in enumerate(coded.dictionary.to_pylist()):
        rules = preset.rules(language or None)
        if rules is not None:
            why |= _broken(measures, np.flatnonzero(codes == code), rules)
    failed = np.zeros(len(table), bool)
    failed[list(why)] = True
    return failed, [why[row] for row in sorted(why)]


def _broken(measures: pa.StructArray, rows: NDArray[np.int64], rules: list[Rule]) -> dict[int, str]:
    """For each of `rows` that breaks a rule, which one and how."""
    why: dict[int, str] = {}
    for rule in rules:
        values = np.asarray(pc.fill_null(pc.struct_field(measures, rule.measure), 0.0))[rows]
        below = values < np.float32(-np.inf if rule.least is None else rule.least)
        above = values > np.float32(np.inf if rule.most is None else rule.most)
        for limit, name, broken in ((rule.least, "least", below), (rule.most, "most", above)):
            for at in np.flatnonzero(broken).tolist():
                why[int(rows[at])] = f"{rule.name} {values[at]:.4g}, {name} {limit:g}"
        rows = rows[~(below | above)]
    return why
