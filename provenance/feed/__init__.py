"""Releases as training jobs read them: shuffled by epoch, divided among ranks and workers, resumed exactly.

`Feed` needs no torch; `provenance.feed.loading` wraps it for torch's workers.
"""

from provenance.feed.documents import Documents
from provenance.feed.feed import Feed, FeedState
from provenance.feed.release import FeedError, OpenRelease, open_release

__all__ = ["Documents", "Feed", "FeedError", "FeedState", "OpenRelease", "open_release"]
