"""Detectors are loaded once, share nothing with the batch they score, and import nothing before they are asked for."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from provenance.detectors.neural.load import load_scorer
from tests.detectors.neural.models import detector, texts
from tests.program import ROOT


@pytest.mark.parametrize("kind", ["classifier", "binoculars", "fast_detect_gpt", "surprisal"])
def test_scores_do_not_depend_on_the_batch(kind: str, classifier: str, causal: tuple[str, str]) -> None:
    sample = texts(13)
    options = {"second_model": causal[1]} if kind == "binoculars" else {}
    model = classifier if kind == "classifier" else causal[0]
    together = load_scorer(detector(kind, model, batch_tokens=100_000, **options)).score(sample).score
    alone = load_scorer(detector(kind, model, batch_tokens=16, **options)).score(sample).score
    mirrored = load_scorer(detector(kind, model, batch_tokens=300, **options)).score(sample[::-1]).score[::-1]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(mirrored, alone, atol=1e-5)


def test_scorer_is_loaded_once_and_shared_by_threads(classifier: str) -> None:
    config = detector("classifier", classifier, batch_tokens=333)
    with ThreadPoolExecutor(4) as pool:
        scorers = list(pool.map(lambda _: load_scorer(config), range(8)))
        results = list(pool.map(lambda _: load_scorer(config).score(texts()).score.tolist(), range(8)))
    assert len({id(scorer) for scorer in scorers}) == 1
    assert all(result == results[0] for result in results)


def test_reading_a_configuration_and_annotating_without_detectors_imports_no_model_library() -> None:
    code = (
        "import sys, provenance.annotate as a; from provenance.configuration import Configuration;"
        "a.Annotation(Configuration());"
        "print(sorted({'torch', 'transformers', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
