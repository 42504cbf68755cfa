"""The documented name of `provenance.annotators.watermarks`, where third parties import and register schemes."""

from provenance.annotators.watermarks import (
    Detection,
    Marks,
    Measurements,
    Scheme,
    WatermarkConfig,
    Watermarks,
    benjamini_hochberg,
    detect,
    detect_batch,
    registered_schemes,
    sidak,
    watermark_llr,
)

__all__ = [
    "Detection",
    "Marks",
    "Measurements",
    "Scheme",
    "WatermarkConfig",
    "Watermarks",
    "benjamini_hochberg",
    "detect",
    "detect_batch",
    "registered_schemes",
    "sidak",
    "watermark_llr",
]
