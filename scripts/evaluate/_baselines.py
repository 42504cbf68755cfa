"""Plain baselines beside the embedded detector: a logistic model on hashed n-grams, and fastText.

Both learn on the same passages with the same labels and nothing else; the seeds are fixed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Scores of texts, higher for synthetic, from a model trained on a table with `text` and `synthetic`.
Scorer = Callable[[pd.Series], NDArray[np.float64]]


def logistic(train: pd.DataFrame) -> Scorer:
    """A logistic model over hashed words and pairs of words."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    read = HashingVectorizer(n_features=1 << 20, ngram_range=(1, 2), alternate_sign=False)
    model = SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=10, tol=None, random_state=0)
    model.fit(read.transform(train.text), train.synthetic.to_numpy())
    return lambda texts: np.asarray(model.decision_function(read.transform(texts)))


def baselines(train: pd.DataFrame) -> dict[str, Scorer]:
    """Both baselines by name; fastText only where the installed package can train (the `train` extra)."""
    import fasttext as package

    found = {"hashed n-gram LR": logistic(train)}
    if hasattr(package, "train_supervised"):
        found["fastText"] = fasttext(train)
    else:
        print("fastText is left out: install the extra `train`, whose package can train", file=sys.stderr)
    return found


def fasttext(train: pd.DataFrame) -> Scorer:
    """A plain fastText classifier over words and pairs of words."""
    labels = np.where(train.synthetic, "__label__synthetic ", "__label__human ")
    lines = [label + _line(text) + "\n" for label, text in zip(labels, train.text, strict=True)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(lines[row] for row in np.random.RandomState(0).permutation(len(lines)))
        file.flush()
        model = _train(file.name)

    def score(texts: pd.Series) -> NDArray[np.float64]:
        found = np.zeros(len(texts))
        for row, text in enumerate(texts):
            labels, shares = model.predict(_line(text), k=2)
            share = float(dict(zip(labels, shares, strict=True)).get("__label__synthetic", 0.0))
            found[row] = np.log((share + 1e-6) / (1 - share + 1e-6))
        return found

    return score


def _line(text: str) -> str:
    return " ".join(text.lower().split())


def _train(path: str) -> Any:
    """A model at the highest rate at which its training does not diverge."""
    import fasttext

    settings = dict(dim=16, epoch=3, wordNgrams=2, bucket=500_000, minCount=3, thread=1, seed=0, verbose=0)
    for rate in (0.1, 0.07, 0.04, 0.02):
        try:
            return fasttext.train_supervised(path, lr=rate, **settings)
        except RuntimeError as error:
            print(f"fastText at rate {rate}: {error}", file=sys.stderr)
    raise RuntimeError("fastText diverges at every rate")
