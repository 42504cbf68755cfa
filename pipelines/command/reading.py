"""What the commands that only read share: the storage of a path, and the detector in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.files.storage import Storage


def storage_of(*paths: str) -> Storage:
    """Where paths lie; Beam is imported only where one of them is not local."""
    if not any("://" in path for path in paths):
        from provenance.files.storage import LocalStorage

        return LocalStorage()
    from pipelines.storage import BeamStorage

    return BeamStorage()


def detector_folder(folder: str | None) -> str | None:
    """`folder`, if it holds a detector that can be used; None is the one that ships.

    Raises:
        UsageError: where its model or calibration is absent, damaged or of another version.
    """
    from provenance.detectors.embedded import load_model
    from provenance.detectors.embedded.calibration import load_calibration

    try:
        version, made_for = load_model(folder).version, load_calibration(folder).detector
    except ValueError as error:
        raise UsageError(str(error)) from error
    if version != made_for:
        raise UsageError(f"{folder}: its calibration is for detector {made_for}, not {version}")
    return folder
