"""Files of a host speak of training by agent, preference, reservation or licence; all else in them says nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.annotators.declarations.site_files import SiteRule, read_site_file

ROBOTS = b"""# a comment
User-agent: *
Disallow: /private/
Content-Signal: search=yes, ai-train=no
Content-Usage: /open/ train-ai=y

User-agent: GPTBot
User-Agent: ClaudeBot/1.0
Disallow: /
Allow: /press/   # but these

User-agent: Googlebot
Disallow: /
"""
RSL = b"""<rsl xmlns="https://rslstandard.org/rsl"><content url="/a/*"><license><prohibits type="usage">ai-train</prohibits></license></content>
<content url="https://other.example/"><license><prohibits type="usage">all</prohibits></license></content></rsl>"""


def said(url: str, body: bytes) -> list[tuple[str, str, str]]:
    return [(rule.group, rule.path, rule.signal.signal) for rule in read_site_file(url, body)]


def test_robots_txt_speaks_to_agents_that_train_and_states_preferences() -> None:
    assert said("https://a.example/robots.txt", ROBOTS) == [
        ("content-signal", "/", "optout"),
        ("content-usage", "/open/", "optin"),
        ("gptbot", "/", "optout"),
        ("claudebot", "/", "optout"),
        ("gptbot", "/press/", "optin"),
        ("claudebot", "/press/", "optin"),
    ]


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("https://a.example/robots.txt", b"User-agent: *\nDisallow: /\n", []),
        ("https://a.example/robots.txt", b"User-agent: GPTBot\nDisallow:\n", []),
        ("https://a.example/ai.txt", b"User-Agent: *\nDisallow: *.html\n", [("ai.txt", "*.html", "optout")]),
        (
            "https://a.example/.well-known/tdmrep.json",
            b'[{"location": "/x/", "tdm-reservation": 1}, {"location": "/", "tdm-reservation": 0}]',
            [("tdmrep", "/x/", "optout"), ("tdmrep", "/", "optin")],
        ),
        ("https://a.example/.well-known/tdmrep.json", b"<html>not found</html>", []),
        ("https://a.example/license.xml", RSL, [("rsl", "/a/*", "optout")]),
        ("https://a.example/license.xml", b"<license>MIT</license>", []),
    ],
)
def test_each_kind_of_file_is_read(url: str, body: bytes, expected: list[tuple[str, str, str]]) -> None:
    assert said(url, body) == expected


def test_robots_txt_names_the_licence_of_the_pages() -> None:
    body = b"License: https://a.example/royalty.xml\nUser-agent: Googlebot\nLicense: https://a.example/search.xml\n"
    (rule,) = read_site_file("https://a.example/robots.txt", body)
    assert (rule.path, rule.signal.signal, rule.signal.value) == (
        "/",
        "license",
        "https://a.example/royalty.xml",
    )


def test_parts_of_an_rsl_document_are_about_their_own_pages() -> None:
    body = b"""<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">search</permits></license></content>
    <content url="/open/*?a=1&b=2"><license><permits type="usage">all</permits></license></content></rsl>"""
    assert said("https://www.a.example/royalty.xml", body) == [
        ("rsl", "/", "optout"),
        ("rsl", "/open/*?a=1&b=2", "optin"),
    ]


def test_what_is_said_names_the_file_and_the_agent() -> None:
    rules = read_site_file("https://a.example/robots.txt", ROBOTS)
    assert [rule.signal.where for rule in rules][2] == "site robots.txt, user-agent GPTBot"
    assert [rule.signal.value for rule in rules][2] == "Disallow: /"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(body: bytes) -> None:
    for name in ("robots.txt", "ai.txt", ".well-known/tdmrep.json", "rsl.xml"):
        assert all(isinstance(rule, SiteRule) for rule in read_site_file(f"https://a.example/{name}", body))


def test_a_file_of_any_length_gives_a_bounded_number_of_rules() -> None:
    body = b"User-agent: GPTBot\n" + b"Disallow: /a\n" * 100_000
    assert len(read_site_file("https://a.example/robots.txt", body)) == 2000


@pytest.mark.parametrize("rule", ["License: https://a.example/l\n", "Disallow: /x\n", "Content-Signal: x\n"])
def test_very_many_agents_with_very_many_rules_cost_linear_time(rule: str) -> None:
    body, started = "User-agent: Somebody\n" * 12_000 + rule * 12_000, time.process_time()
    assert said("https://a.example/robots.txt", body.encode()) == []
    assert time.process_time() - started < 1
