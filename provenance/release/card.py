"""The dataset card of a release: README.md with the YAML header that `datasets` reads."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from provenance import outcomes
from provenance.decisions.certificate import asked_and_found
from provenance.decisions.tail import describe_tail
from provenance.release.layout import data_folder
from provenance.release.proof import describe_proof
from provenance.release.standards.hub import build_header
from provenance.release.standards.origin import who_answers
from provenance.release.standards.training_content import describe_training_content
from provenance.release.times import describe_times

#: Inputs that are listed by name.
_MOST_INPUTS = 50
#: The other files of a release, for machines.
_DESCRIPTIONS = """## Machine-readable descriptions

| file | standard |
|---|---|
| `croissant.json` | MLCommons Croissant 1.1 with its responsible-AI vocabulary; lists every file and column |
| `data_provenance.json` | OASIS Data Provenance Metadata 1.0 (CSD01) |
| `lineage.jsonl` | OpenLineage: each stage, its rows, and of what each column is made |
| `prov.json` | W3C PROV-JSON of the run |
| `domains.csv` | the largest domains by tokens |"""


def build_card(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> str:
    """Markdown text of the card, from the manifest and the schemas of the tables `data` and `ledger`."""
    counts, synthetic = manifest["counts"], manifest["synthetic"]
    return f"""---
{build_header(manifest, schemas)}
---

# {_title(manifest)}

{who_answers(manifest, lambda text: f"`{_code(text)}`")} `report.html` says what is in it to a person.

{counts["kept"]:,} documents, {counts["tokens"]:,} tokens, made from {counts["records"]:,} records by
provenance-pipelines {manifest["versions"]["provenance-pipelines"]}. {_tokens(manifest["tokenizer"])} `manifest.json` lists every file with its SHA-256 and
the whole configuration; `provenance verify` recomputes it, `provenance explain` says why a document is (not) here.

{_shape(manifest)}
## Synthetic text

{_cap(synthetic)}
{_tail(manifest)}
These fractions are as good as the probabilities. The detector that ships with the program abstains on short
texts and on languages it does not know; there, the probability is the prior alone.
No detector finds all synthetic text: read `docs/detector.md` of the program for measured error rates before relying on it.

### How the detector was read

{_reading(manifest["detector"])}

{_priors(manifest["prior"], manifest["configuration"]["prior"])}

## What proves the times

{_listed(describe_times(manifest["times"]))}

A document counts as older than ChatGPT only by a capture, its own or that of a verified near-duplicate; a publisher's own date proves nothing.

## What was not kept

| decision | reason | records | meaning |
|---|---|---|---|
{_reasons(counts["reasons"])}

Every record that was read has one row in `_ledger/`.
{_filters(manifest)}
## Where it came from

{_inputs(manifest["inputs"])}
{_passed_over(manifest["passed_over"])}

{_proof(manifest)}
The texts belong to their authors; `license`, `rights_signals` and `train_opt_out` record what each page declares.
{_licenses(manifest)}

## For the public summary of training content (Article 53(1)(d) of the EU AI Act)

{describe_training_content(manifest)}

{_DESCRIPTIONS}
"""


def _shape(manifest: dict[str, Any]) -> str:
    """Which folder to open, how documents are ordered, and what the splits hold."""
    splits = manifest["splits"]
    return f"""Open `data/` for the documents ({_folders(list(splits))}) and `_ledger/` for the records; the root holds both and is no table.
{_order(manifest["order"])}
{_splits(splits)}"""


def _folders(splits: list[str]) -> str:
    """Which folder to open."""
    return ", ".join(f"`{data_folder(name)}/`" for name in splits) or "in one split"


def _order(order: dict[str, Any]) -> str:
    """How like the whole a part is; nothing of releases that do not say."""
    if not order:
        return ""
    tokens, share = order["tokens"], order["expected_share"]
    return f"""Documents are mixed by seed {order["seed"]}, so any file is like the whole: one holds {tokens["least"]:,} to {tokens["most"]:,} tokens,
of which {share["least"]:.4f} to {share["most"]:.4f} are expected to be synthetic.
"""


def _splits(splits: dict[str, Any]) -> str:
    """What the splits hold; nothing where there are none."""
    rows = "\n".join(
        f"| {name} | {item['documents']:,} | {item['tokens']:,} | {item['share']:.4f} |"
        for name, item in splits.items()
    )
    if not rows:
        return ""
    return f"""
| split | documents | tokens | share |
|---|---:|---:|---:|
{rows}

No site, and no near-duplicate of one of its documents that was found, is in two splits.
"""


def _title(manifest: dict[str, Any]) -> str:
    return " ".join(str(manifest["configuration"]["about"]["title"]).split())


def _licenses(manifest: dict[str, Any]) -> str:
    """What the pages declare together, and what the publisher says of the compilation."""
    mixture, compiled = manifest["license"], manifest["configuration"]["about"]["license"]
    own = f"The compilation is under `{_code(compiled)}`. " if compiled else ""
    return (
        f"{own}As an SPDX expression the texts are `{mixture['expression']}`: pages declare `{_code(mixture['declared'])}`, "
        f"{mixture['documents_without']:,} documents declare no licence."
    )


def _reasons(counts: dict[str, int]) -> str:
    """Rows of the table of what was not kept, from counts by `decision:reason`."""
    rows = []
    for key, count in counts.items():
        decision, _, reason = key.partition(":")
        rows.append(f"| {decision} | {reason} | {count:,} | {outcomes.meaning(reason)} |")
    return "\n".join(rows)


def _inputs(inputs: list[dict[str, Any]]) -> str:
    """The first input files and how many more there are."""
    lines = [f"- `{_code(item['name'])}` ({item['bytes']:,} bytes)" for item in inputs[:_MOST_INPUTS]]
    more = len(inputs) - len(lines)
    return "\n".join(lines + [f"- and {more:,} more, listed in manifest.json"] * (more > 0))


def _proof(manifest: dict[str, Any]) -> str:
    """By whose captures documents are proven old, and the indexes that were looked up."""
    lines = [f"{describe_proof(manifest['proof'])}."]
    for item in manifest["earlier"]:
        names = ", ".join(_code(f"{origin['name']}") for origin in item["origins"][:_MOST_INPUTS])
        what = "documents held already" if item["role"] == "against" else "earlier captures"
        lines.append(f"- index of {item['entries']:,} {what}: `{names}` (SHA-256 `{item['sha256']}`)")
    return "\n".join(lines if len(lines) == 1 else [lines[0], "", *lines[1:]])


def _passed_over(files: list[dict[str, str]]) -> str:
    """How many files beside the inputs were not read, and one of them."""
    if not files:
        return ""
    first = files[0]
    return f"\n{len(files):,} files beside them were not read, such as `{_code(first['name'])}`: {first['reason']} (all are in manifest.json).\n"


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {_code(line)}" for line in lines)


def _cap(synthetic: dict[str, Any]) -> str:
    """What was asked, claimed and found, side by side, and what of it is certified."""
    rows = "\n".join(f"| {name} | {text} |" for name, text in asked_and_found(synthetic))
    fractions, before = synthetic["fractions"], synthetic["before"]["fractions"]
    names = {"expected": "expected", "confident": "at most, at 95%", "hard": "found"}
    shares = "\n".join(
        f"| {unit}, {names[name]} | {before[name][unit]:.4f} | {fractions[name][unit]:.4f} |"
        for unit in ("tokens", "documents")
        for name in names
    )
    parts = "".join(
        f"\n| {row['by']} {_code(row['value']).replace('|', '/')[:60]} | {row['max_synthetic']:g} "
        f"| {row['fraction_before']:.4f} | {row['fraction']:.4f} | {row['weight']:,} |"
        for row in synthetic["parts"][:50]
    )
    if parts:
        parts = (
            f"\n\n| part | cap | before | published | {synthetic['unit']} |\n|---|---:|---:|---:|---:|{parts}"
        )
    return f"""{synthetic["note"][0].upper()}{synthetic["note"][1:]}.

| | |
|---|---|
{rows}

| synthetic share of | before the cap | published |
|---|---:|---:|
{shares}{parts}"""


def _tail(manifest: dict[str, Any]) -> str:
    """Which rare words are lost; nothing in releases that have not counted them."""
    if "tail" not in manifest:
        return ""
    said = describe_tail(manifest["tail"])
    return f"\nRare words: {said}. Documents proven older than ChatGPT are never dropped by the cap.\n"


def _reading(detector: dict[str, Any]) -> str:
    """By which calibration, and what the crawl's own old documents prove about false positives."""
    counts = detector["documents"]
    rows = "\n".join(
        f"| {row['language']} | {row['words_from']}+ | {row['low_background']:,} | {row['other_documents']:,} "
        f"| {'yes' if row['limits_ratios'] else 'no'} | {row['bound']:.4f} "
        f"| {'this crawl' if row['proven_by_documents'] else 'the calibration, for its own sample'} |"
        for row in detector["strata"]
    )
    return f"""Detector `{detector["name"]}` {detector["version"]} by {_code(detector["calibration"])} {detector["calibration_version"]}. Of
{counts["documents"]:,} documents without duplicates it judged {counts["judged"]:,}, flagged {counts["flagged"]:,} (`detector_flagged`) and was
limited on {counts["limited"]:,} by documents of this crawl from before 2022-11-30, which are human. At most this share of human documents is flagged:

| language | words | old documents | others | old ones limit ratios | bound | proven by |
|---|---|---:|---:|---|---:|---|
{rows}{"".join(f"{chr(10)}{chr(10)}Neural detector {describe_cost(item)}." for item in detector["neural"])}"""


def describe_cost(item: dict[str, Any]) -> str:
    """One entry of the manifest's `detector.neural`: of how much a neural detector was asked, and when."""
    where = "always"
    if item["band"] is not None:
        where = "where the embedded ratio is in {:g} to {:+g} nats".format(*item["band"])
    share = item["asked"] / max(item["documents"], 1)
    return (
        f"{item['name']}: asked about {item['asked']:,} of {item['documents']:,} texts ({share:.1%}), {where}"
    )


def _tokens(tokenizer: dict[str, Any]) -> str:
    """In whose tokens everything is counted."""
    return (
        f"Tokens are those of `{_code(tokenizer['name'])}`, a vocabulary of {tokenizer['vocabulary']:,} "
        f"(SHA-256 `{tokenizer['sha256']}`); `word_count` counts words."
    )


def _filters(manifest: dict[str, Any]) -> str:
    """What each filter did to the synthetic share; nothing where there is none."""
    unit = manifest["synthetic"]["unit"]
    rows = "\n".join(
        f"| {item['reason']} | {item['dropped']['documents']['documents']:,} | {item['dropped']['tokens']['weight']:,} "
        f"| {item['before']['expected'][unit]:.4f} | {item['after']['expected'][unit]:.4f} |"
        for item in manifest["filters"]
    )
    if not rows:
        return ""
    return f"""
### Filters

In this order, before duplicates were settled and before the cap; the expected synthetic share of {unit} is that of all
documents with text, duplicates too, that the filters so far let through.

| filter | documents dropped | tokens dropped | expected share before | after |
|---|---:|---:|---:|---:|
{rows}
"""


def _priors(prior: dict[str, Any], configured: dict[str, Any]) -> str:
    table = configured["by_year"] or configured["by_month"]
    times = ", ".join(f"{time}: {rate:g}" for time, rate in table.items())
    listed = f"Prior by time of proof: before 2022-11-30 {configured['low_background']:g}, {times}"
    if not prior["strata"]:
        return f"{listed}; no stratum of this crawl has an estimate of its own."
    rows = "\n".join(
        f"| {row['year'] or 'not proven'} | {row['language']} "
        f"| {'all' if row['source'] is None else _code(row['source'] or 'without a name').replace('|', '/')[:60]} "
        f"| {row['documents']:,} | {row['share']:.3f} | {row['prior']:.3f} | {row['low']:.3f} to {row['high']:.3f} |"
        for row in prior["strata"][:100]
    )
    return f"""{listed}; where enough documents could be judged, estimated from this crawl:

| year | language | source | documents | estimated share | prior | 95% interval |
|---|---|---|---:|---:|---:|---|
{rows}"""


def _code(name: str) -> str:
    """A name that cannot break out of its code span, whatever it holds."""
    return "".join(
        char if char.isprintable() and char != "`" else "\N{REPLACEMENT CHARACTER}" for char in name
    )
