"""Tag crawled documents with where they came from, when they existed and how likely a machine wrote them."""

__version__ = "0.1.0"
