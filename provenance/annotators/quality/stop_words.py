"""The stop words of the published quality rules, by language.

English: Rae et al. 2021 (Gopher), appendix A1.1. The others: huggingface/fineweb-2 at 2025, configs/*.yml
(Penedo et al. 2025), whose thresholds stand in `provenance.filters.presets`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.quality.words import ELISION, ENGLISH, PLAIN, hash_word

STOP_WORDS: dict[str, str] = {
    "en": "the be to of and that have with",
    "de": "der und die in von im den des mit das er dem als wurde für",
    "es": "de la en el y a que del los se por un con una las su",
    "fr": "de la le et à en l' des du les est d' un une il dans par au",
    "it": "di e il la in a del che è della un per nel l' con da i una",
    "nl": "de van in het een en is op voor met door zijn werd hij uit",
    "pl": "w i na z do się roku od a jest przez po jako oraz o został był nie",
    "pt": "de a e o em do da que um no uma com para na é foi",
    "ru": "в и на с года по году из был к не от что за для его как а он также до после",
}
#: Languages that have no list of their own are held against the English one, as the English rules do.
LANGUAGES = tuple(STOP_WORDS)
_STYLES = {"en": ENGLISH, "fr": ELISION, "it": ELISION}


class Stops(NamedTuple):
    """Stop words of all languages for compiled code: those of language i are hashes[offsets[i] : offsets[i + 1]]."""

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int32]
    styles: NDArray[np.int8]


def stops() -> Stops:
    """The table, its languages in the order of `LANGUAGES`."""
    lists = [[hash_word(word) for word in STOP_WORDS[language].split()] for language in LANGUAGES]
    return Stops(
        hashes=np.array([value for values in lists for value in values], np.uint64),
        offsets=np.concatenate([[0], np.cumsum([len(values) for values in lists])]).astype(np.int32),
        styles=np.array([_STYLES.get(language, PLAIN) for language in LANGUAGES], np.int8),
    )
