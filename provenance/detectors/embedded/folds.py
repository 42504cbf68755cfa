"""What each fold of the corpus holds out: human domains and makers of generators together, so that what is judged is unseen twice.

Outside English, where one repository is often all of a domain, human text is held out by source instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FOLDS = 8
#: Makers of the generators of corpora that do not name them, by a pattern of the generator's name.
MAKERS = {
    "OpenAI": "gpt-3|gpt-4|gpt4|davinci|^o1|^o3|^o4",
    "Anthropic": "claude",
    "Google": "gemini|gemma|palm",
    "Meta": "llama",
    "Alibaba": "qwen",
    "Mistral": "mistral|mixtral",
}


def makers(table: pd.DataFrame) -> pd.Series:
    """Maker of each document's generator: as the corpus says, else by its name, else the generator itself."""
    names = table.generator.fillna("").astype(str)
    found = names.copy()
    for maker, pattern in MAKERS.items():
        found = found.mask(names.str.lower().str.contains(pattern, regex=True), maker)
    return table.maker.fillna(found) if "maker" in table else found


def assign_folds(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with `domain_fold` and `maker_fold`, -1 where a document does not belong to that kind.

    Needs `synthetic`, `recent` (the family whose passages have human partners), `stem`, `repository`, `maker`,
    `language`, `group`. Humans and recent passages have a domain fold, other synthetic ones a maker fold; English
    ones (more exactly: of the language with most documents) have both.
    """
    first = table.language.value_counts().index[0]
    main = (table.language == first).to_numpy()
    paired = (~table.synthetic | table.recent).to_numpy()
    source = table.language + ":" + table.domain.astype(str).str.split("/").str[0] + ":" + table.repository
    partner = source[~table.synthetic].groupby(table.group[~table.synthetic]).first()
    source = source.where(~table.recent.to_numpy(), table.group.map(partner).fillna(source))
    domain = np.full(len(table), -1)
    domain[main] = _pack(table.stem[main])
    for language in sorted(set(table.language) - {first}):
        rows = (table.language == language).to_numpy() & paired
        domain[rows] = _pack(source[rows])
    maker = np.full(len(table), -1)
    maker[~paired] = _pack(table.maker[~paired])
    return table.assign(domain_fold=domain, maker_fold=maker)


def folds(table: pd.DataFrame) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """(documents held out of training, those of them that are judged) of each fold.

    Judged is what is held out twice where there are two folds, and what has but one fold.
    """
    domain, maker = table.domain_fold.to_numpy(), table.maker_fold.to_numpy()
    for fold in range(FOLDS):
        by_domain, by_maker = domain == fold, maker == fold
        yield by_domain | by_maker, (by_domain | (domain < 0)) & (by_maker | (maker < 0))


def _pack(names: pd.Series) -> NDArray[np.int64]:
    """Fold of each row: names, the commonest first, each to the fold that holds least."""
    load, place = np.zeros(FOLDS), {}
    for name, size in names.value_counts().sort_index().sort_values(ascending=False, kind="stable").items():
        place[name] = int(np.argmin(load))
        load[place[name]] += size
    return np.asarray(names.map(place), np.int64)
