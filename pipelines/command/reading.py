"""What the commands that only read share: the storage of a path, and the detector in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.files.storage import Storage


def storage_of(*paths: str) -> Storage:
    """Where paths lie.

    Raises:
        UsageError: one of them is an address that cannot be read here.
    """
    from provenance.files.storage import AnyStorage, check_address

    for path in paths:
        check_address(path)
    return AnyStorage()


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
