"""HTML of the pages for people: one file, offline, without a script; what the crawl holds is shown and never obeyed.

Templates escape every value, and a Content-Security-Policy forbids scripts, requests and frames. The same release gives the
same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from provenance.errors import plain
from provenance.files.ownership import MANIFEST
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.release.manifest import read_manifest, write_json
from provenance.release.report import cost
from provenance.release.report.contents import read_contents
from provenance.release.report.figures import share_axis
from provenance.release.report.samples import SAMPLES, draw_samples, write_samples

#: Name of the page in a release.
REPORT = "report.html"


def build_report(
    storage: Storage,
    release: str,
    manifest: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]] | None = None,
) -> bytes:
    """The page of a release whose data and ledger stand there; `samples` None: those that lie there."""
    return render("report.html", read_contents(storage, release, manifest, samples) | {"cost": cost})


def report_files(
    storage: Storage, release: str, manifest: Mapping[str, Any], shards: Mapping[str, Sequence[str]]
) -> list[tuple[str, bytes]]:
    """(name, content) of what publishing adds for people: the page, and the samples that it shows unless they are off.

    `shards` are the annotated shards by the name of their input.
    """
    if not manifest["configuration"]["release"]["samples"]:
        return [(REPORT, build_report(storage, release, manifest, ()))]
    samples = draw_samples(storage, release, [item["path"] for item in manifest["files"]], shards)
    written = write_samples(samples)
    # As they will be read again, so that the page can be remade byte for byte.
    return [(SAMPLES, written), (REPORT, build_report(storage, release, manifest, json.loads(written)))]


def remake_report(storage: Storage, release: str) -> bool:
    """Make the page of a finished release again, and say so in its manifest; whether anything changed.

    Raises:
        ReleaseError: where `release` is not a finished release.
    """
    manifest = read_manifest(storage, release)
    page = build_report(storage, release, manifest)
    entry = {"path": REPORT, "bytes": len(page), "sha256": hashlib.sha256(page).hexdigest()}
    there = storage.info(join(release, REPORT))
    if entry in manifest["files"] and there is not None and read_bytes(storage, there.path) == page:
        return False
    others = [item for item in manifest["files"] if item["path"] != REPORT]
    write_bytes(storage, join(release, REPORT), page)
    write_bytes(storage, join(release, MANIFEST), write_json({**manifest, "files": [*others, entry]}))
    return True


def compare_releases(storage: Storage, releases: Sequence[str]) -> bytes:
    """One page with several releases side by side, in the order given.

    Raises:
        ReleaseError: where one of them is not a finished release.
    """
    names = [release.rstrip("/").rsplit("/", 1)[-1] for release in releases]
    found = [read_contents(storage, release, read_manifest(storage, release)) for release in releases]
    for name, contents in zip(_distinct(names), found, strict=True):
        contents["name"] = name
    highest = [step["share"]["high"] for contents in found for step in contents["steps"] if step["share"]]
    return render(
        "compare.html",
        {
            "releases": found,
            "axis": share_axis(max(highest, default=0.0)),
            "step_names": _in_order([[step["name"] for step in contents["steps"]] for contents in found]),
            "reason_names": sorted(
                {(row["decision"], row["reason"]) for contents in found for row in contents["reasons"]}
            ),
            "values": {
                key: _in_order([[row["value"] for row in contents[key]] for contents in found])
                for key in ("languages", "domains", "sources")
            },
        },
    )


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """UTF-8 of a template with its values."""
    return (_environment().get_template(template).render(values) + "\n").encode("utf-8", "replace")


def _in_order(lists: Sequence[Sequence[str]]) -> list[str]:
    """The values of several lists, each once, by the last place that a list gives it; "", all others, last."""
    place: dict[str, int] = {}
    for values in lists:
        for at, value in enumerate(values):
            place[value] = max(place.get(value, 0), at)
    return sorted(place, key=lambda value: (not value, place[value], value))


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered where several are the same."""
    return [
        f"{name} ({names[: at + 1].count(name)})" if names.count(name) > 1 else name
        for at, name in enumerate(names)
    ]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("provenance.release.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "count": count,
        "counted": counted,
        "share": share,
        "short": short,
        "number": number,
        "times": times,
    }
    return environment


def _shown(value: Any) -> Any:
    """Text without characters that steer a display, and of no more than a screen; markup of the templates as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value)
    return value


def count(value: int) -> Markup:
    """A whole number for people, and for programs beside it."""
    return Markup('<data value="{}">{}</data>').format(value, f"{value:,}")


def counted(value: int, name: str) -> Markup:
    """A number of things for people: `1 record`, `2 records`."""
    return Markup("{} {}").format(count(value), name if value == 1 else f"{name}s")


def share(value: float | None) -> Markup:
    """A share in percent for people, and exactly for programs beside it."""
    if value is None:
        return Markup('<span class="none">none</span>')
    return Markup('<data value="{}">{}</data>').format(repr(value), _percent(value))


def _percent(value: float) -> str:
    if 0 < value < 0.00005:
        return "<0.01%"
    if 0.99995 < value < 1:
        return ">99.99%"
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def short(value: object, most: int = 60) -> str:
    """Text of the crawl in at most so many characters."""
    text = plain(value)
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def number(value: float) -> str:
    """A place in a drawing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def times(value: float | None) -> str:
    """How many times as much compute."""
    return "not measured" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") + "×"
