"""Near-duplicate detection over columns: candidates by band, verification by signature, keepers by policy.

Tasks, each a plain function from pieces of scratch files to pieces of scratch files; a runner
groups the pieces by partition in between. `deduplicate_local` runs them in a loop and shows the order.
"""

from provenance.duplicates.bands import band_keys, optimal_bands, spill_bands
from provenance.duplicates.buckets import find_candidates
from provenance.duplicates.clusters import (
    Clusters,
    choose_keepers,
    policy_keys,
    read_clusters,
    send_members,
)
from provenance.duplicates.components import connect
from provenance.duplicates.edges import send_signatures, verify_edges
from provenance.duplicates.local import deduplicate_local, key_partitions
from provenance.duplicates.scratch import LocalScratch, Piece, Routed, Scratch
from provenance.duplicates.sketches import Blocks, Sketches, addresses, concatenate, sketches

__all__ = [
    "Blocks",
    "Clusters",
    "LocalScratch",
    "Piece",
    "Routed",
    "Scratch",
    "Sketches",
    "addresses",
    "band_keys",
    "choose_keepers",
    "concatenate",
    "connect",
    "deduplicate_local",
    "find_candidates",
    "key_partitions",
    "optimal_bands",
    "policy_keys",
    "read_clusters",
    "send_members",
    "send_signatures",
    "sketches",
    "spill_bands",
    "verify_edges",
]
