"""The reason codes of the ledger (promise 1)."""

from __future__ import annotations

from provenance import outcomes


def test_no_reason_is_both_dropped_and_failed() -> None:
    assert set(outcomes.DROPPED).isdisjoint(outcomes.FAILED)


def test_every_reason_is_said_for_a_person() -> None:
    for code, meaning in {**outcomes.DROPPED, **outcomes.FAILED}.items():
        assert code.islower() and code.replace("_", "").isalpha()
        assert len(meaning.split()) >= 3
