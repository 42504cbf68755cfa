"""Neural detectors (extra `neural`): classifiers, zero-shot scores from causal models, and ONNX files.

The core install never imports torch: models are imported by the annotator's `setup` and by nothing else.
Names are imported from the modules themselves, so that reading a configuration loads no model library.
"""
