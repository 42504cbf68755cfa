"""`provenance curate`: all four stages, crawl files in, a release out."""

from __future__ import annotations

from pipelines.command.job import BEAM_OPTIONS, add_inputs, add_job_options, announce, make_job
from pipelines.command.parser import Arguments, Commands


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "run all four stages: crawl files in, a release out"
    parser = commands.add_parser("curate", help=text, description=text, epilog=BEAM_OPTIONS)
    add_inputs(parser)
    parser.add_argument("--output", required=True, metavar="DIR", help="directory of the release")
    parser.add_argument(
        "--workspace", metavar="DIR", help="working directory (default: the output's name + .workspace)"
    )
    add_job_options(parser, cap=True)
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Run the stages and print the summary; 1 where the cap is not certified, unless only to warn of it."""
    from pipelines.summary import print_summary
    from provenance.files.inputs import find_inputs
    from provenance.files.ownership import check_output
    from provenance.release.manifest import read_manifest

    release = arguments.output.rstrip("/")
    workspace = arguments.workspace or f"{release}.workspace"
    job = make_job(arguments, workspace, release)
    inputs, ignored = find_inputs(job.storage, arguments.inputs, without=(release, workspace))
    check_output(job.storage, release)
    announce(job, inputs, ignored)
    stages = [job.annotate(inputs), job.deduplicate(), job.select(), job.publish(release)]
    manifest = read_manifest(job.storage, release)
    print_summary(release, manifest, stages, as_json=arguments.json)
    return int(not manifest["synthetic"]["holds"] and job.configuration.cap.on_failure == "fail")
