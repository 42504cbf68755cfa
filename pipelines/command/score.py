"""`provenance score`: score JSON lines or one text, without a pipeline."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.command.parser import Arguments, Commands, rate
from pipelines.command.places import place
from pipelines.command.reading import detector_folder, storage_of
from provenance.errors import UsageError


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "score JSON lines {id, text[, language]} or a text, without a pipeline"
    parser = commands.add_parser("score", help=text, description=text)
    parser.add_argument(
        "file",
        nargs="?",
        type=place,
        default="-",
        metavar="FILE",
        help="JSON lines or one text, or - for standard input (default)",
    )
    parser.add_argument(
        "--format",
        choices=("auto", "lines", "text"),
        default="auto",
        help="what the input is; auto: lines if one of them begins with {, else one text",
    )
    parser.add_argument(
        "--max-fpr", type=rate, default=0.01, metavar="RATE", help="false-positive rate of `flagged` (0.01)"
    )
    parser.add_argument(
        "--prior", type=rate, default=0.5, metavar="P", help="prior probability of synthetic text (0.5)"
    )
    parser.add_argument(
        "--calibration", type=place, metavar="FILE", help="calibration file (default: the detector's own)"
    )
    parser.add_argument(
        "--model", metavar="DIR", help="folder of a detector that you trained (default: the one that ships)"
    )
    parser.add_argument(
        "--encoder",
        action="store_true",
        help="ask the encoder too about English texts on which the detector is unsure (extra `encoder`)",
    )
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Write one line for each input line; 1 where one of them cannot be used."""
    from provenance.detectors.score import ScoreOptions, score_stream
    from provenance.files.kernel_cache import tell_of_compiling
    from provenance.files.storage import is_address

    if arguments.encoder and (arguments.calibration is not None or arguments.model is not None):
        raise UsageError("--encoder goes with the detector and the calibration that ship")
    calibration = None
    if arguments.calibration is not None or arguments.model is not None:
        from provenance.detectors.embedded import load_model
        from provenance.detectors.embedded.calibration import read_calibration

        version = load_model(detector_folder(arguments.model)).version
        if arguments.calibration is not None:
            calibration = read_calibration(arguments.calibration, version)
    if sys.stderr.isatty():
        tell_of_compiling(lambda: print("compiling kernels for this machine, once", file=sys.stderr))
    second = None
    if arguments.encoder:
        from provenance.detectors.neural.second import SecondStage

        second = SecondStage()
    options = ScoreOptions(
        arguments.prior, arguments.max_fpr, calibration=calibration, folder=arguments.model, second=second
    )
    if arguments.file == "-":
        return score_stream(sys.stdin.buffer, sys.stdout, options, arguments.format)
    path = arguments.file
    if not is_address(path) and Path(path).is_dir():
        raise UsageError(f"{path}: is a directory; name a file of JSON lines or of text")
    try:
        stream = storage_of(path).open(path)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file") from error
    with stream:
        return score_stream(stream, sys.stdout, options, arguments.format, path.rpartition("/")[2])
