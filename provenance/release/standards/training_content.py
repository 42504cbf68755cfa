"""A section of the card for the public summary of training content that Article 53(1)(d) of the EU AI Act asks of providers.

A release is no model: the section gives what a provider can copy into the Commission's template (24 July 2025), in its
order, and leaves out what only the provider knows. It includes the synthetic share, which section 2.5 asks about.
"""

from __future__ import annotations

from typing import Any

from provenance.release.standards.origin import sources_of

#: Training data sizes that the template offers for text, by tokens below which they end.
_SIZES = ((10**9, "less than 1 billion tokens"), (10**13, "1 billion to 10 trillion tokens"))


def describe_training_content(manifest: dict[str, Any]) -> str:
    """Markdown of the section, without its heading."""
    counts, contents, configuration = manifest["counts"], manifest["contents"], manifest["configuration"]
    found, read = contents["documents"], contents["records"]
    synthetic = manifest["synthetic"]
    size = next((name for end, name in _SIZES if counts["tokens"] < end), "more than 10 trillion tokens")
    languages = ", ".join(
        f"{row['value'] or 'not known'} {row['documents']:,}" for row in found["languages"][:30]
    )
    crawls = "; ".join(
        f"{_plain(item['name'])} ({item['records']:,} records)" for item in sources_of(manifest)[:20]
    )
    domains = ", ".join(_plain(row["value"] or "none") for row in found["domains"])
    captured = read["captured"]
    period = f"{captured['first']} to {captured['last']}" if captured["first"] else "not known"
    rights = configuration["rights"]
    kept = "dropped" if rights["policy"] == "exclude" else "kept and marked (`train_opt_out`)"
    dropped = counts["reasons"].get("dropped:opt_out", 0)
    removed = counts["reasons"].get("dropped:removed", 0)
    personal = ", ".join(f"{k}: {v}" for k, v in configuration["personal_data"].items() if v != "ignore")
    share = synthetic["fractions"]["expected"]["tokens"]
    return f"""For the provider of a model who fills in the template of the European Commission; what is not here only the provider knows.

| section of the template | of this release |
|---|---|
| 1.3 modality and size | text, {counts["tokens"]:,} tokens of the tokenizer named above ({size}) |
| 1.3 latest acquisition | {captured["last"] or "not known"} |
| 1.3 languages (documents) | {languages or "none"} |
| 2.1 publicly available datasets | {crawls or "none named"} |
| 2.3 data scraped from online sources | collected by the crawls above; this program fetches nothing. Period of collection: {period} |
| 2.3 domains | {found["domains_in_all"]:,}; the {found["domains_listed"]:,} largest by tokens are in `domains.csv`, among them {domains or "none"} |
| 2.5 synthetic data | none was generated. Of the tokens, an expected {share:.2%} were written by machines, as far as the detectors can tell; {_disclosed(found)} |
| 3.1 reservations of rights | documents that reserve their use for training are {kept}: {dropped:,} dropped, {found["train_opt_out"]["documents"]:,} published. Read: {", ".join(rights["signals"])} |
| 3.2 removal of unlawful content | {removed:,} records dropped by removal requests; personal data: {personal or "not looked for"} |"""


def _disclosed(found: dict[str, Any]) -> str:
    """How many documents say of themselves how they were made."""
    rows = [f"{row['value']} {row['documents']:,}" for row in found["disclosures"][:10]]
    return f"disclosed by pages themselves: {', '.join(rows)}" if rows else "no page discloses it"


def _plain(name: str) -> str:
    """A name that cannot break out of its cell, whatever it holds."""
    kept = "".join(
        char if char.isprintable() and char not in "`|<>[]" else "\N{REPLACEMENT CHARACTER}" for char in name
    )
    return f"`{kept[:100]}`"
