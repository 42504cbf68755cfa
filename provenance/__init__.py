"""Tag crawled documents with where they came from, when they existed and how likely a machine wrote them.

The library's public surface: a name is imported when it is first used, and Beam never is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from provenance.files.kernel_cache import settle_kernel_cache
from provenance.files.ready_kernels import use_ready_kernels

if TYPE_CHECKING:
    from provenance.annotate import Annotation, annotate_records
    from provenance.annotators.annotator import Annotator
    from provenance.configuration import Configuration, load_configuration
    from provenance.detectors.embedded import EmbeddedDetector, score_texts
    from provenance.duplicates import deduplicate_local
    from provenance.duplicates.minhash import MinHash
    from provenance.files.inputs import find_inputs
    from provenance.files.storage import LocalStorage
    from provenance.records import ReadOptions, read_records
    from provenance.release.manifest import read_manifest
    from provenance.schema import LEDGER, RELEASE

settle_kernel_cache()
use_ready_kernels()
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
    "annotators.annotator": "Annotator",
    "configuration": "Configuration load_configuration",
    "detectors.embedded": "EmbeddedDetector score_texts",
    "duplicates": "deduplicate_local",
    "duplicates.minhash": "MinHash",
    "files.inputs": "find_inputs",
    "files.storage": "LocalStorage",
    "records": "ReadOptions read_records",
    "release.manifest": "read_manifest",
    "schema": "LEDGER RELEASE",
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names.split():
            return getattr(import_module(f"provenance.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
