"""Statistical watermarks: read exactly as their authors define them, without torch, with honest p-values."""

from provenance.annotators.watermarks.annotator import Watermarks
from provenance.annotators.watermarks.catalogue import registered_schemes
from provenance.annotators.watermarks.config import WatermarkConfig
from provenance.annotators.watermarks.detect import Detection, detect, detect_batch
from provenance.annotators.watermarks.null import benjamini_hochberg, sidak, watermark_llr
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme

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
