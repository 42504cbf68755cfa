"""What other programs and people read of a release: Croissant, OASIS, OpenLineage, PROV, SPDX, the hub's card, the EU's summary."""
