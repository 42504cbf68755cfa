"""What a host's files say reaches its pages: the longest rule of each group, and the most restrictive of all groups."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from provenance.decisions.filters import signal_family
from provenance.decisions.site_rights import SITES, SiteRights, merge_site_rules, with_site_rights
from provenance.schema import SIGNALS


def sites(*rules: tuple[str, str, str, str, str]) -> SiteRights:
    """Rules as (host, file, group, path, signal)."""
    rows = [
        dict(
            zip(
                SITES.names,
                (*rule, f"{rule[4]} {rule[3]}", f"site robots.txt, user-agent {rule[2]}"),
                strict=True,
            )
        )
        for rule in rules
    ]
    return SiteRights(merge_site_rules([pa.Table.from_pylist(rows, schema=SITES)]))


def words(found: list[dict[str, str]]) -> list[str]:
    return [item["signal"] for item in found]


RULES = (
    ("a.example", "1", "gptbot", "/", "optout"),
    ("a.example", "1", "gptbot", "/press/", "optin"),
    ("a.example", "1", "ccbot", "/press/secret*.html$", "optout"),
    ("b.example", "2", "gptbot", "/x", "optout"),
    ("b.example", "3", "gptbot", "/x", "optin"),
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/", ["optout"]),
        ("https://a.example", ["optout"]),
        ("https://a.example/press/1", ["optin"]),
        ("https://a.example/press/secret-7.html", ["optout", "optin"]),
        ("https://a.example/press/secret-7.html?print", ["optin"]),
        ("https://b.example/x/1", ["optout", "optin"]),
        ("https://b.example/y", []),
    ],
)
def test_the_longest_rule_of_a_group_holds_and_a_reservation_comes_first(
    url: str, expected: list[str]
) -> None:
    assert words(sites(*RULES).signals(url.split("/")[2], url)) == expected


def test_of_two_rules_alike_the_reservation_holds() -> None:
    both = sites(("a.example", "1", "g", "/p", "optin"), ("a.example", "1", "g", "/p", "optout"))
    assert words(both.signals("a.example", "https://a.example/p")) == ["optout"]


def test_pages_of_the_host_are_reserved_and_others_stay_as_they_were() -> None:
    own = [{"signal": "optin", "value": "train-ai=y", "where": "http content-usage"}]
    table = pa.table(
        {
            "host": ["a.example", "a.example", "c.example", None],
            "url": ["https://a.example/", "https://a.example/press/", "https://c.example/", None],
            "rights_signals": pa.array([own, [], own, None], SIGNALS),
            "train_opt_out": pa.array([False, None, False, None], pa.bool_()),
        }
    )
    found = with_site_rights(table, sites(*RULES))
    assert found["train_opt_out"].to_pylist() == [True, None, False, None]
    signals: list[Any] = found["rights_signals"].to_pylist()
    assert words(signals[0]) == ["optin", "optout"] and words(signals[1]) == ["optin"]
    assert signals[2:] == [own, None]
    assert with_site_rights(table, sites()).equals(table)


def test_rules_are_merged_in_one_order_whatever_shard_they_come_from() -> None:
    tables = [pa.Table.from_pylist([dict.fromkeys(SITES.names, name)], schema=SITES) for name in "abc"]
    assert merge_site_rules(tables).equals(merge_site_rules([merge_site_rules(tables[1:]), tables[0]]))
    assert len(merge_site_rules([])) == 0


@pytest.mark.parametrize(
    ("where", "family"),
    [
        ("site robots.txt, user-agent GPTBot", "robots-txt"),
        ("site tdmrep.json", "tdmrep"),
        ("site ai.txt", "ai-txt"),
        ("site RSL document", "rsl"),
        ("site content-signal in robots.txt", "content-signal"),
        ("site content-usage in robots.txt", "content-usage"),
        ("http x-robots-tag", "robots"),
        ("meta robots", "robots"),
        ("http tdm-reservation", "tdm-reservation"),
    ],
)
def test_every_place_has_its_family(where: str, family: str) -> None:
    assert signal_family(where) == family
