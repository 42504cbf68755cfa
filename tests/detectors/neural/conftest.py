"""Models that the tests of neural detectors share: made once, changed by none."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def causal(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Folders of two causal models with one tokenizer."""
    from tests.detectors.neural.models import save_causal

    folder = tmp_path_factory.mktemp("causal")
    return save_causal(folder / "observer", 1), save_causal(folder / "performer", 2)


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a classifier that tells the texts of `toy` apart."""
    from tests.detectors.neural.models import save_classifier

    return save_classifier(tmp_path_factory.mktemp("classifier"))
