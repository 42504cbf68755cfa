"""Why a record did not become a kept document: the reason codes of the ledger.

Promise 1: each record ends as kept, dropped with one of these reasons or failed with one of these errors.
"""

from __future__ import annotations

#: Not documents by nature: read without trouble, nothing to keep.
DROPPED: dict[str, str] = {
    "redirect": "the server answered with a redirect",
    "http_error": "the server answered with an error status",
    "not_text": "the payload is not a textual type (sniffed)",
    "revisit": "the record refers to an earlier capture and carries no text",
    "empty": "no text is left after extraction",
    "not_prose": "the text is a long run without words (more than 20,000 tokens and 20 to a word)",
    "duplicate": "a verified near-duplicate of a kept document",
    "earlier_release": "a verified near-duplicate of a document that an earlier release holds",
    "removed": "a removal request names it, or a near-duplicate of it",
    "opt_out": "the page reserves its use for training (`rights.policy: exclude`)",
    "personal_data": "the text holds personal data or a secret of a kind that is to be dropped",
    "contaminated": "the text holds a run of words of an evaluation set (`decontaminate`)",
    "synthetic_cap": "dropped so that the synthetic fraction stays under the cap",
    "bookkeeping": "what a crawler wrote about itself: logs, arguments, lists of pages, lookups of names",
    "site_file": "a file that a host keeps for programs: robots.txt, ads.txt, RSL, sitemaps",
    "segment": "a continuation segment of a record that was split over several",
}

#: Could not be read or processed.
FAILED: dict[str, str] = {
    "bad_container": "the file is not in a format that can be read",
    "bad_compression": "compressed data is damaged",
    "bad_record": "the record's own header is damaged or missing required fields",
    "truncated": "the data ends before the record does",
    "too_large": "the payload is larger than the limit once decoded",
    "bad_encoding": "the content encoding or transfer encoding cannot be undone",
    "bad_row": "the line or row has no usable text field",
    "extraction_timeout": "main-text extraction used more time than allowed",
    "extraction_failed": "main-text extraction failed",
    "annotator_failed": "an annotator raised an error on this record",
}

#: Reason of a document that a filter of the configuration drops: this and the filter's name.
FILTER = "filter:"


def is_dropped(reason: str) -> bool:
    """Whether a reason is one of a dropped record: a code of `DROPPED` or the name of a filter."""
    return reason in DROPPED or (reason.startswith(FILTER) and len(reason) > len(FILTER))


def meaning(reason: str) -> str:
    """What a reason means, for a person; empty where it is none."""
    if reason.startswith(FILTER):
        return f"the filter {reason.removeprefix(FILTER)!r} of the configuration drops it"
    return DROPPED.get(reason, FAILED.get(reason, ""))
