"""Which context, key and function seed each token: the seeding schemes that are published, by name.

Sources: Kirchenbauer et al. 2023 (arXiv 2301.10226, 2306.04634) and their repository; transformers'
`WatermarkLogitsProcessor`; MarkLLM. The functions themselves are in `prf`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from provenance.annotators.watermarks.prf import PRF_NAMES, Hashing, seeds_of
from provenance.annotators.watermarks.ragged import I64
from provenance.annotators.watermarks.random import SEED_MODULUS, U32, randperm

#: The millionth prime: the published default key.
DEFAULT_KEY = 15485863
#: Length of the permutation that serves as a hash, and the seed of the original repository's (fib47).
TABLE_SIZE = 1_000_003
ORIGINAL_TABLE_SEED = 2971215073

#: named seeding scheme of the original repository: (prf, context width, the token itself is in the context)
_NAMED = {
    "simple_1": ("additive_prf", 1, False),
    "algorithm-3": ("anchored_minhash_prf", 4, True),
    "minhash": ("minhash_prf", 4, False),
    "skipgram": ("skipgram_prf", 5, False),
}
#: MarkLLM's KGW and MorphMark with window scheme "left", by f_scheme; "plain" is that of its EXP and first KGW
_MARKLLM = ("markllm_time", "markllm_additive", "markllm_skip", "markllm_min", "markllm_plain")
#: Functions of the original repository that hash by arithmetic alone.
_WITHOUT_TABLE = ("additive_prf", "multiplicative_prf", "minfunc_prf", "position_prf")


@dataclass(frozen=True)
class Seeding:
    """One resolved way to seed.

    `window` tokens are read up to and, where `self_salt`, with the token in question; `span` is the length of the
    n-gram that the published detector counts, the token included.
    """

    prf: str
    window: int
    self_salt: bool
    span: int
    key: int
    #: None: no table is needed; otherwise the seed and size of the permutation used as a hash
    table_seed: int | None = None
    table_size: int = TABLE_SIZE


def resolve(name: str, context_width: int | None, key: int, vocab_size: int) -> Seeding:
    """The seeding called `name`.

    `lefthash` and `selfhash` are those of transformers (width 1 by default). `simple_1`, `minhash`, `skipgram` and
    `algorithm-3` (that repository's selfhash) are the original repository's, and `ff-PRF-WIDTH-SELF[-KEY]`
    any of its functions. `markllm_time`, `_additive`, `_skip`, `_min` and `_plain` are MarkLLM's. Raises ValueError.
    """
    if name == "lefthash":
        # only the last token seeds, whatever the width; the width says which n-grams count as repeats
        span = (context_width or 1) + 1
        return Seeding(prf="additive_prf", window=1, self_salt=False, span=span, key=key)
    if name == "selfhash":
        width = context_width or 1
        prf = "anchored_minhash_prf"
        return Seeding(prf=prf, window=width, self_salt=True, span=width, key=key, table_seed=key)
    if name in _MARKLLM:
        width = context_width or 1
        return Seeding(
            prf=name,
            window=width,
            self_salt=False,
            span=width + 1,
            key=key,
            table_seed=key,
            table_size=vocab_size,
        )
    if name in _NAMED:
        prf, width, self_salt = _NAMED[name]
    elif name.startswith("ff-"):
        prf, width, self_salt, key = _spelt_out(name, key)
    else:
        known = ", ".join(("lefthash", "selfhash", *_NAMED, *_MARKLLM))
        raise ValueError(f"seeding_scheme {name!r} is not one of {known} or ff-PRF-WIDTH-SELF[-KEY]")
    if context_width is not None and context_width != width:
        raise ValueError(f"seeding_scheme {name!r} has context_width {width}, not {context_width}")
    if prf == "minskipgram_prf" and width < 2:
        raise ValueError("minskipgram_prf pairs the tokens of its context: its width must be at least 2")
    return Seeding(
        prf=prf,
        window=width,
        self_salt=self_salt,
        span=width + 1 - int(self_salt),
        key=key,
        table_seed=None if prf in _WITHOUT_TABLE else ORIGINAL_TABLE_SEED,
    )


def _spelt_out(name: str, key: int) -> tuple[str, int, bool, int]:
    """(prf, width, self salt, key) of ff-PRF-WIDTH-SELF[-KEY]."""
    parts = name.split("-")
    if len(parts) not in (4, 5) or parts[1] not in PRF_NAMES or parts[1] in _MARKLLM:
        known = ", ".join(prf for prf in PRF_NAMES if prf not in _MARKLLM)
        raise ValueError(f"seeding_scheme {name!r} is not ff-PRF-WIDTH-SELF[-KEY] with PRF one of {known}")
    if not parts[2].isdigit() or not 1 <= int(parts[2]) <= 64 or parts[3] not in ("True", "False"):
        raise ValueError(f"seeding_scheme {name!r} needs a width of 1..64 and True or False after its PRF")
    if len(parts) == 5 and not parts[4].isdigit():
        raise ValueError(f"seeding_scheme {name!r} needs a whole number as its key")
    return parts[1], int(parts[2]), parts[3] == "True", int(parts[4]) if len(parts) == 5 else key


def hash_table(seeding: Seeding) -> I64:
    """The permutation that `seeding` hashes with; one element if it uses none."""
    if seeding.table_seed is None:
        return np.zeros(1, np.int64)
    return randperm(seeding.table_seed, seeding.table_size)


def seeds(tokens: I64, offsets: I64, seeding: Seeding, table: I64) -> U32:
    """The 32-bit generator seed that decides the token at each position; meaningless before `window` tokens."""
    hashing = Hashing(
        prf=PRF_NAMES.index(seeding.prf),
        window=seeding.window,
        lag=0 if seeding.self_salt else 1,
        key=np.int64((seeding.key + 2**63) % 2**64 - 2**63),
        magnitude=np.uint64(abs(seeding.key) % SEED_MODULUS),
        negative=seeding.key < 0,
        table=table,
    )
    return seeds_of(tokens, offsets, hashing)
