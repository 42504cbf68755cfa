"""The page in which a person labels a sample: one file, offline, by keyboard, with no word of the probability.

Texts are data: they stand in a JSON block and are shown as text only, and a Content-Security-Policy lets nothing
but the page's own script run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

_CSS = """
:root { color-scheme: light dark; font: 18px/1.55 system-ui, sans-serif; }
body { box-sizing: border-box; display: flex; flex-direction: column; margin: 0 auto; max-width: 46rem; min-height: 100vh; padding: 1rem 1rem 0; }
main { flex: 1; padding-bottom: 1rem; }
h1 { font-size: 1.2rem; margin: 0; }
article { white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid; padding-top: 1rem; }
#where { font-size: .8rem; overflow-wrap: anywhere; }
kbd { border: 1px solid; border-radius: 4px; padding: 0 .3em; }
footer { position: sticky; bottom: 0; display: flex; flex-wrap: wrap; gap: .5rem; justify-content: center; padding: .6rem; background: Canvas; border-top: 1px solid; }
/* A low or magnified window is for the text. */
@media (max-height: 30rem) { footer { position: static; } }
button { font: inherit; padding: .3rem .8rem; }
button[aria-pressed=true] { outline: 3px solid; }
"""

_JAVASCRIPT = """
"use strict";
const documents = JSON.parse(document.getElementById("documents").textContent);
const key = "provenance-labels-" + documents.name;
const item = id => document.getElementById(id);
let labels = {}, at = 0;
try { labels = JSON.parse(localStorage.getItem(key)) || {}; } catch (error) { labels = {}; }
const rows = documents.rows;
const first = rows.findIndex(row => !(row.doc_id in labels));
at = first < 0 ? 0 : first;
function show() {
  const row = rows[at];
  item("text").textContent = row.text;
  item("where").textContent = (row.url || "no address") + (row.language ? " (" + row.language + ")" : "");
  const done = rows.filter(each => each.doc_id in labels).length;
  const own = labels[row.doc_id];
  item("state").textContent = "Document " + (at + 1) + " of " + rows.length + ", " + done + " labelled" + (own ? ": " + own : "") + (done === rows.length ? "; all are labelled: download them (d)" : "");
  for (const name of ["human", "synthetic", "unsure"]) item(name).setAttribute("aria-pressed", String(own === name));
  window.scrollTo(0, 0);
}
function move(step) { at = Math.min(Math.max(at + step, 0), rows.length - 1); show(); }
function label(value) {
  labels[rows[at].doc_id] = value;
  try { localStorage.setItem(key, JSON.stringify(labels)); } catch (error) { /* private mode: kept until the page closes */ }
  move(1);
}
function save() {
  const lines = rows.filter(row => row.doc_id in labels).map(row => JSON.stringify({doc_id: row.doc_id, label: labels[row.doc_id]}));
  const link = document.createElement("a");
  link.href = "data:application/jsonl;charset=utf-8," + encodeURIComponent(lines.join("\\n") + "\\n");
  link.download = "labels.jsonl";
  link.click();
}
const keys = {h: () => label("human"), s: () => label("synthetic"), u: () => label("unsure"), d: save,
  ArrowLeft: () => move(-1), ArrowRight: () => move(1)};
document.addEventListener("keydown", event => {
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;  // Caps Lock changes nothing
  if (event.ctrlKey || event.metaKey || event.altKey || !(name in keys)) return;
  event.preventDefault();
  if (event.repeat && name.length === 1) return;  // a key that is held labels one document
  keys[name]();
});
for (const name of ["human", "synthetic", "unsure"]) item(name).addEventListener("click", () => label(name));
item("back").addEventListener("click", () => move(-1));
item("next").addEventListener("click", () => move(1));
item("save").addEventListener("click", save);
show();
"""


def label_page(sample: Mapping[str, Any]) -> str:
    """HTML of the page for a sample (`sample.Sample.as_json` with `release_fingerprint`)."""
    rows = [
        {name: document[name] for name in ("doc_id", "url", "language", "text")}
        for document in sample["documents"]
    ]
    data = json.dumps({"name": sample["release_fingerprint"], "rows": rows}, ensure_ascii=True)
    # No "<" can end the block or open a comment in it; in JSON the escape means the same.
    data = data.replace("<", "\\u003c")
    page = (files("provenance.audit") / "label.html").read_text(encoding="utf-8")
    parts = {
        "@SCRIPT@": _digest(_JAVASCRIPT),
        "@STYLE@": _digest(_CSS),
        "@CSS@": _CSS,
        "@JAVASCRIPT@": _JAVASCRIPT,
        "@DOCUMENTS@": data,  # last, so that nothing in a text is taken for a mark of the page
    }
    for mark, text in parts.items():
        page = page.replace(mark, text, 1)
    return page


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
