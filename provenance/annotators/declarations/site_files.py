"""What the files of a host reserve for its pages: robots.txt, ai.txt, tdmrep.json and RSL documents, as rules by path.

Only what speaks of training counts: agents whose operators say that they collect for it, and the preferences, reservations
and licences made for it. A rule against all crawlers is none against training.
Sources: RFC 9309; IETF aipref (Content-Usage) and Content-Signal in robots.txt; Spawning ai.txt; W3C TDMRep section 5.1;
Really Simple Licensing 1.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from provenance.annotators.declarations import rights
from provenance.annotators.declarations.declared import Signal
from provenance.annotators.declarations.paths import pattern_on
from provenance.annotators.declarations.rsl import read_contents

#: Agents whose operators document that what they fetch, or the product token itself, is for training models.
TRAINING_AGENTS = frozenset(
    (
        "gptbot claudebot anthropic-ai claude-web google-extended applebot-extended ccbot bytespider "
        "meta-externalagent facebookbot cohere-ai cohere-training-data-crawler amazonbot diffbot omgili omgilibot "
        "webzio-extended ai2bot ai2bot-dolma pangubot timpibot kangaroo"
    ).split()
)
_NAME = re.compile(r"/+(robots\.txt|ai\.txt|tdmrep\.json)(?:[?#]|$)", re.IGNORECASE)
#: A file is read to here (RFC 9309, 2.5, asks for 500 kibibytes at least), and has so many rules at most.
_LONGEST, _MOST_RULES = 512 << 10, 2000


@dataclass(frozen=True)
class SiteRule:
    """One rule of a host's file.

    Attributes:
        group: to whom it speaks: among the rules of a group the longest that fits a path holds.
        path: pattern in the syntax of robots.txt (`*`, `$`).
        signal: what it says of the pages there.
    """

    group: str
    path: str
    signal: Signal

    def as_dict(self) -> dict[str, str]:
        """Return the row of `schema.SITE_RIGHTS`."""
        return {"group": self.group, "path": self.path, **self.signal.as_dict()}


def read_site_file(url: str, body: bytes) -> list[SiteRule]:
    """Return the rules of one file; none of what is no such file, or does not speak of training."""
    text = body[:_LONGEST].decode("utf-8", "replace")
    found = _NAME.search(url)
    name = found[1].lower() if found else "rsl"
    readers = {"robots.txt": _robots, "ai.txt": _ai, "tdmrep.json": _tdmrep, "rsl": _rsl}
    rules: list[SiteRule] = []
    for rule in readers[name](text, url):
        rules.append(rule)
        if len(rules) == _MOST_RULES:
            break
    # A file that reserves nothing and names no licence says nothing that has to be kept.
    return rules if any(rule.signal.signal != "optin" for rule in rules) else []


def _directives(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, colon, value = line.split("#", 1)[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _robots(text: str, url: str) -> Iterator[SiteRule]:
    trainers: list[str] = []  # those of a group who train
    concerned = True  # whether the group, or what is before the first, is for everyone or for those who train
    named = True  # whether a rule of the group has been read
    for key, value in _directives(text):
        if key == "user-agent":
            if named:
                trainers, concerned, named = [], False, False
            agent = value.split("/")[0].strip()
            trains = agent.lower() in TRAINING_AGENTS
            trainers += [agent] if trains else []
            concerned = concerned or trains or agent == "*"
            continue
        named = True
        if key in ("disallow", "allow") and value:
            for agent in trainers:
                signal = "optout" if key == "disallow" else "optin"
                where = f"site robots.txt, user-agent {agent[:50]}"
                yield SiteRule(agent.lower(), value, Signal(signal, f"{key.title()}: {value}", where))
        elif key in ("content-usage", "content-signal") and concerned:
            yield from _preferences(key, value)
        elif key == "license" and value and concerned:
            yield SiteRule(key, "/", Signal("license", value, "site license in robots.txt"))


def _preferences(key: str, value: str) -> Iterator[SiteRule]:
    """Preferences of a group; a path may stand before them."""
    path, said = "/", value
    if value.startswith("/"):
        path, _, said = value.partition(" ")
    signal = rights.read_preferences(said, f"site {key} in robots.txt")
    if signal is not None:
        yield SiteRule(key, path, signal)


def _ai(text: str, url: str) -> Iterator[SiteRule]:
    """ai.txt has the syntax of robots.txt and speaks to everyone who trains; its patterns can be file names."""
    for key, value in _directives(text):
        if key in ("disallow", "allow") and value:
            path = value if value.startswith(("/", "*")) else f"/{value}"
            signal = "optout" if key == "disallow" else "optin"
            yield SiteRule("ai.txt", path, Signal(signal, f"{key.title()}: {value}", "site ai.txt"))


def _tdmrep(text: str, url: str) -> Iterator[SiteRule]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return
    for entry in entries if isinstance(entries, list) else [entries]:
        if not isinstance(entry, dict) or not isinstance(entry.get("location"), str):
            continue
        location, policy = entry["location"], str(entry.get("tdm-policy") or "")
        reserved = str(entry.get("tdm-reservation")).strip() == "1"
        said = f"{location}: {1 if reserved else 0}" + (f"; policy={policy}" if policy else "")
        signal = Signal("optout" if reserved else "optin", said, "site tdmrep.json")
        yield SiteRule("tdmrep", location, signal)


def _rsl(text: str, url: str) -> Iterator[SiteRule]:
    """Every part of an RSL document that is about pages of the document's own host, all of them where it names none."""
    for address, signal in read_contents(text, "site RSL document"):
        pattern = pattern_on(url, address)
        if pattern is not None:
            yield SiteRule("rsl", pattern or "/", signal)
