"""Beam wiring: sources, shuffles and stages. What is done to text is in `provenance`."""
