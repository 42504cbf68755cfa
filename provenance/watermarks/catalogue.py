"""The schemes that ship with the package, by name."""

from __future__ import annotations

from provenance.watermarks.kgw import Kgw
from provenance.watermarks.scheme import Scheme
from provenance.watermarks.synthid import SynthId

SCHEMES: dict[str, type[Scheme]] = {scheme.scheme: scheme for scheme in (Kgw, SynthId)}
