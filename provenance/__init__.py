"""Tag crawled documents with where they came from, when they existed and how likely a machine wrote them.

The library's public surface: a name is imported when it is first used, and Beam never is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.annotate import Annotation, annotate_records
    from provenance.annotator import Annotator
    from provenance.configuration import Configuration, load_configuration
    from provenance.detector import EmbeddedDetector, score_texts
    from provenance.duplicates import deduplicate_local
    from provenance.inputs import find_inputs
    from provenance.manifest import read_manifest
    from provenance.minhash import MinHash
    from provenance.records import ReadOptions, read_records
    from provenance.schema import LEDGER, RELEASE
    from provenance.storage import LocalStorage

__version__ = "0.1.0"
__all__ = [
    "LEDGER",
    "RELEASE",
    "Annotation",
    "Annotator",
    "Configuration",
    "EmbeddedDetector",
    "LocalStorage",
    "MinHash",
    "ReadOptions",
    "annotate_records",
    "deduplicate_local",
    "find_inputs",
    "load_configuration",
    "read_manifest",
    "read_records",
    "score_texts",
]
_HOME = {
    "annotate": "Annotation annotate_records",
    "annotator": "Annotator",
    "configuration": "Configuration load_configuration",
    "detector": "EmbeddedDetector score_texts",
    "duplicates": "deduplicate_local",
    "inputs": "find_inputs",
    "manifest": "read_manifest",
    "minhash": "MinHash",
    "records": "ReadOptions read_records",
    "schema": "LEDGER RELEASE",
    "storage": "LocalStorage",
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names.split():
            return getattr(import_module(f"provenance.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
