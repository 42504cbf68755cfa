"""The documented name of `provenance.annotators.watermarks`, where third parties import and register schemes."""

from provenance.annotators.watermarks import *  # noqa: F403
from provenance.annotators.watermarks import __all__ as __all__
