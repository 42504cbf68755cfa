"""The embedded detector of machine-written text: a small calibrated model that ships in the package.

Text in, log-likelihood ratio out, on one core without a network; it abstains where it has no proof of working.
"""

from __future__ import annotations

from provenance.detectors.embedded.annotator import EmbeddedDetector, score_texts
from provenance.detectors.embedded.calibration import Calibration
from provenance.detectors.embedded.model import Model, load_model

__all__ = ["Calibration", "EmbeddedDetector", "Model", "load_model", "score_texts"]
