"""Every scheme by name: those of the package, those that are installed beside it, and the published ones left out.

Third parties publish subclasses of `Scheme` in the entry-point group `provenance.watermark_schemes`.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from provenance.annotators.watermarks.dipmark import DipMark
from provenance.annotators.watermarks.gumbel import Gumbel, PermuteAndFlip
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.scheme import Scheme
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.textseal import TextSeal, TextSealOneKey
from provenance.annotators.watermarks.unigram import Unigram

ENTRY_POINT_GROUP = "provenance.watermark_schemes"
SCHEMES: dict[str, type[Scheme]] = {
    scheme.scheme: scheme
    for scheme in (Kgw, Unigram, SynthId, Gumbel, DipMark, PermuteAndFlip, TextSeal, TextSealOneKey)
}

#: Schemes of the MarkLLM catalogue that are left out, and why.
LEFT_OUT: dict[str, str] = {
    "SWEET": "weighs or skips tokens by the model's entropy; without it the test is plain KGW, which `kgw` is",
    "EWD": "weights each token by the model's entropy",
    "DEW, SSG": "rebuild their lists from the model's probabilities",
    "Unbiased": "its likelihood-ratio score needs the model's probabilities; its key is not fixed by its seed",
    "UPV, E2E": "their detectors are trained networks",
    "TextSeal's entropy weights": "need the model; `textseal` reads the published statistic without them",
    "TextSeal's key_routing": "green lists and SynthID by two keys at once; texts of one key are read by `textseal_one_key`",
    "STEAL": "an attack on KGW, not a mark",
    "SIR, XSIR": "green lists come from a trained semantic network",
    "TS": "green-list size and bias come from trained networks",
    "Adaptive, IE": "need the model's entropy or a trained stand-in for it",
    "SemStamp, k-SemStamp, SimMark, CoheMark": "hash sentence embeddings of a trained encoder",
    "EXPEdit, ITSEdit": "align the text with a long key by an edit distance and a permutation test of minutes a text",
    "EXPGumbel": "draws one table of vocabulary × vocabulary uniforms: 10 GB for a vocabulary of 50,000",
    "MorphMark": "its green lists are those of `kgw` with seeding_scheme markllm_time: read it there",
}


def registered_schemes() -> dict[str, type[Scheme]]:
    """Every scheme by name: the ones of this package, then the installed third-party ones.

    Raises TypeError if an entry point is not a `Scheme` or takes a name that is in use.
    """
    found: dict[str, type[Scheme]] = dict(SCHEMES)
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        loaded: Any = point.load()
        if not (isinstance(loaded, type) and issubclass(loaded, Scheme)):
            raise TypeError(
                f"entry point {point.name} of {ENTRY_POINT_GROUP} is not a watermark Scheme class"
            )
        if found.get(point.name, loaded) is not loaded:
            raise TypeError(
                f"entry point {point.name} of {ENTRY_POINT_GROUP} takes the name of another scheme"
            )
        found[point.name] = loaded
    return found
