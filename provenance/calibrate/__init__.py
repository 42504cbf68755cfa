"""Calibrations from documents of one's own, for the embedded and for neural detectors."""
