"""Tokens of a text, counted by the tokenizer that ships or by the user's own."""

from provenance.annotators.tokens.annotator import Tokens
from provenance.annotators.tokens.tokenizer import Tokenizer, TokenizerError, load_tokenizer

__all__ = ["Tokenizer", "TokenizerError", "Tokens", "load_tokenizer"]
