"""Releases written out in the formats of others, shard by shard, by those formats' own libraries.

An export is finished when its `export.json` is there; one that was interrupted goes on where it was.
"""

from provenance.feed.export.exporting import FORMATS, Exported, export_release
from provenance.feed.export.plan import Settings

__all__ = ["FORMATS", "Exported", "Settings", "export_release"]
