"""Host and registrable domain of a URL."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.annotators.source import Source, hosts_of, split_host, split_urls


@pytest.mark.parametrize(
    ("url", "host", "domain"),
    [
        ("https://www.example.co.uk/a?b#c", "www.example.co.uk", "example.co.uk"),
        ("HTTP://WWW.Example.COM:443/", "www.example.com", "example.com"),
        ("https://user:pa%40ss@host.example.org/x", "host.example.org", "example.org"),
        ("https://example.com./", "example.com", "example.com"),
        ("https://bücher.example/ü?q=ä", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://ａｂｃ。example/", "abc.example", "abc.example"),
        ("https://exa%6Dple.com/", "example.com", "example.com"),
        ("https://someone.github.io/x", "someone.github.io", "someone.github.io"),
        ("http://192.0.2.7:8080/x", "192.0.2.7", None),
        ("http://[2001:DB8::0:1]:80/", "[2001:db8::1]", None),
        ("http://localhost/x", "localhost", None),
        ("<https://adv.example/angle>", "adv.example", "adv.example"),
        ("<https://adv.example>", "adv.example", "adv.example"),
        ("//adv.example/x", "adv.example", "adv.example"),
        ("https://a.example\\@b.example/", "a.example", "a.example"),
        ("https://adv.example/?next=http://other.example/@x", "adv.example", "adv.example"),
        ("adv.example/x", None, None),
        ("javascript:void(0)", None, None),
        ("dns:adv.example", None, None),
        ("mailto:a@example.com", None, None),
        ("https://", None, None),
        ("https:///path", None, None),
        ("https://a..b/", None, None),
        ("https://999.1.1.1/", None, None),
        ("http://[nonsense]/", None, None),
        ("https://%00.example/", None, None),
        ("https://" + "a" * 64 + ".example/", None, None),
        ("https://" + "a." * 200 + "example/", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_host_and_domain(url: str | None, host: str | None, domain: str | None) -> None:
    hosts, domains = split_urls(pa.array([url], pa.string()))
    assert (hosts[0].as_py(), domains[0].as_py()) == (host, domain)


@given(st.text(max_size=60))
def test_any_host_is_null_or_ascii_and_normal_already(raw: str) -> None:
    host, domain = split_host(raw)
    if host is None:
        assert domain is None
        return
    assert host.isascii() and len(host) <= 253
    assert split_host(host) == (host, domain)
    assert domain is None or host == domain or host.endswith("." + domain)


@given(st.lists(st.one_of(st.none(), st.text(max_size=80)), max_size=8))
def test_any_urls_give_one_row_each(urls: list[str | None]) -> None:
    clean = [None if url is None else url.encode("utf-8", "ignore").decode() for url in urls]
    hosts, domains = split_urls(pa.array(clean, pa.string()))
    assert hosts_of(pa.array(clean, pa.string())).equals(hosts)
    assert len(hosts) == len(domains) == len(urls)


def test_rows_with_an_outcome_get_nulls() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "url": ["https://a.example/", "https://b.example/"],
            "outcome": pa.array([None, "redirect"], pa.string()),
        }
    )
    annotator: Annotator = Source()
    annotator.setup()
    hosts, domains = annotator(batch)
    assert hosts.to_pylist() == domains.to_pylist() == ["a.example", None]
    assert pa.schema([("host", hosts.type), ("domain", domains.type)]) == annotator.schema
