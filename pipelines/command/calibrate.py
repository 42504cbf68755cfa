"""`provenance calibrate`: make a calibration file from labelled or from old, human documents."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import destination_file, place
from pipelines.command.reading import detector_folder
from provenance.errors import UsageError, suggestion


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "make a calibration file from labelled or from old, human documents"
    parser = commands.add_parser("calibrate", help=text, description=text)
    parser.add_argument(
        "inputs",
        nargs="+",
        type=place,
        metavar="INPUT",
        help="JSON lines or Parquet with `text` and `label` (or a date), a release, or a workspace",
    )
    parser.add_argument(
        "--output", type=destination_file, required=True, metavar="FILE", help="the calibration file (JSON)"
    )
    parser.add_argument(
        "--human-only", action="store_true", help="every document of the files is known to be human"
    )
    parser.add_argument(
        "--model", metavar="DIR", help="folder of a detector that you trained (default: the one that ships)"
    )
    parser.add_argument("--config", metavar="FILE", help="configuration that holds the neural detector")
    parser.add_argument("--detector", metavar="NAME", help="calibrate this neural detector instead")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Write the file and print what it rests on."""
    from provenance.files.ownership import check_file

    check_file(arguments.output)
    output = arguments.output
    if arguments.detector is not None or arguments.config is not None:
        return _calibrate_neural(arguments, output)
    from provenance.calibrate.embedded import calibrate, describe

    folder = detector_folder(arguments.model)
    calibration = calibrate(arguments.inputs, human_only=arguments.human_only, folder=folder)
    calibration.save(output)
    found = {"file": output, "version": calibration.version, **calibration.provenance}
    print(json.dumps(found, indent=1) if arguments.json else describe(calibration, output))
    return 0


def _calibrate_neural(arguments: Arguments, output: str) -> int:
    from provenance.calibrate.neural import calibrate_neural
    from provenance.configuration import load_configuration
    from provenance.files.storage import AnyStorage, write_bytes

    if arguments.detector is None or arguments.config is None or arguments.human_only:
        raise UsageError("a neural detector needs --config, --detector and documents of both labels")
    detectors = {item.name: item for item in load_configuration(arguments.config).neural.detectors}
    if arguments.detector not in detectors:
        raise UsageError(
            f"{arguments.config}: no neural detector is called {arguments.detector} "
            f"({', '.join(detectors) or 'none'}){suggestion(arguments.detector, detectors)}"
        )
    calibration = calibrate_neural(arguments.inputs, detectors[arguments.detector])
    write_bytes(AnyStorage(), output, (calibration.model_dump_json(indent=1) + "\n").encode())
    found = calibration.model_dump(mode="json")
    documents = found["provenance"]["documents"]
    print(
        json.dumps({"file": output, **found}, indent=1)
        if arguments.json
        else f"{output}: ratio = {calibration.intercept:+g} {calibration.slope:+g} * score for {arguments.detector}, from "
        f"{documents['human']:,} human and {documents['synthetic']:,} synthetic documents; AUROC on them "
        f"{found['provenance']['auroc']:.3f}; languages {', '.join(found['languages'])}"
    )
    return 0
