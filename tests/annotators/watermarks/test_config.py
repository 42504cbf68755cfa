"""What is wrong with a watermark of the configuration is said when it is read, not by a worker an hour later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from provenance.annotators.tokens.tokenizer import TokenizerError
from provenance.annotators.watermarks import WatermarkConfig
from provenance.annotators.watermarks.config import published_defaults
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.tokenizers import Tokenizer
from provenance.configuration import Configuration


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer of 50 words."""
    tokenizers = pytest.importorskip("tokenizers")
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    model = tokenizers.models.WordLevel({f"w{k}": k for k in range(50)}, unk_token="w0")
    tokenizers.Tokenizer(model).save(str(path))
    return str(path)


def config(tokenizer: str, scheme: str = "kgw", **parameters: Any) -> WatermarkConfig:
    return WatermarkConfig(name="mine", scheme=scheme, tokenizer=tokenizer, parameters=parameters)


def test_a_vocabulary_below_the_tokenizers_is_refused(tokenizer: str) -> None:
    with pytest.raises(ValidationError, match="vocab_size 49 is below the 50 tokens of its tokenizer"):
        config(tokenizer, vocab_size=49)
    entry = {"name": "mine", "scheme": "unigram", "tokenizer": tokenizer, "parameters": {"vocab_size": 10}}
    with pytest.raises(ValidationError, match="give that of the model"):
        Configuration.model_validate({"watermarks": [entry]})


def test_a_padded_vocabulary_is_the_models_and_none_is_the_tokenizers(tokenizer: str) -> None:
    size = Tokenizer(tokenizer).vocab_size
    assert config(tokenizer, vocab_size=64).build(size).model_dump()["vocab_size"] == 64
    assert config(tokenizer).build(size).model_dump()["vocab_size"] == 50


def test_a_tokenizer_of_the_hub_is_compared_when_it_is_there() -> None:
    mine = config("some/model", vocab_size=100)
    with pytest.raises(ValueError, match="below the 200 tokens"):
        mine.build(200)


def test_without_the_library_it_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.annotators.watermarks.tokenizers.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install 'provenance-pipelines\[tokenizer\]'"):
        config("some/model")
    assert config("token ids").tokenizer == "token ids"


def test_wrong_parameters_are_named_with_their_watermark(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="watermark 'mine': greenlist_ratio"):
        config("some/model", greenlist_ratio=2)
    with pytest.raises(ValidationError, match="scheme 'sweet' is not one of dipmark, gumbel, kgw"):
        config("some/model", scheme="sweet")


def test_the_published_defaults_hold_both_hashes_of_synthid() -> None:
    found = [entry.build(1000) for entry in published_defaults("some/model")]
    versions = [scheme.version for scheme in found if isinstance(scheme, SynthId)]
    assert versions == ["2024", "2024", "2025"]


def test_a_path_that_is_not_there_is_never_asked_for_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    monkeypatch.setattr(tokenizers.Tokenizer, "from_pretrained", lambda name: pytest.fail(name))
    for name in ("models/tokenizer.json", "./mine", "/models/mine", "a/b/c"):
        with pytest.raises(TokenizerError, match="no such file"):
            Tokenizer(name)
