"""`provenance curate`: all four stages, crawl files in, a release out."""

from __future__ import annotations

from pipelines.command.forecast import forecast, print_forecast
from pipelines.command.job import (
    BEAM_OPTIONS,
    add_earlier,
    add_inputs,
    add_job_options,
    add_output,
    announce,
    complain_of_failures,
    find_crawl,
    open_job,
    read_configuration,
    signer,
    workers_of,
)
from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import default_workspace, destination


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "run all four stages: crawl files in, a release out"
    parser = commands.add_parser("curate", help=text, description=text, epilog=BEAM_OPTIONS)
    add_inputs(parser)
    add_output(parser, required=True, help="directory of the release")
    parser.add_argument(
        "--workspace",
        type=destination,
        metavar="DIR",
        help="working directory (default: the output's name + .workspace)",
    )
    add_earlier(parser, keep=True)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be read, how much, and what it would take"
    )
    add_job_options(parser, cap=True, publishes=True)
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Run the stages and print the summary; 1 where the cap is not certified (unless only to warn of it) or no document came because records failed."""
    release = arguments.output
    workspace = arguments.workspace or default_workspace(release)
    configuration, sign = read_configuration(arguments), signer(arguments)
    inputs, ignored = find_crawl(arguments, configuration, release, workspace)
    if getattr(arguments, "dry_run", False):
        span_bytes = configuration.reading.span_bytes
        found = forecast(inputs, len(ignored), workers_of(arguments, inputs), workspace, span_bytes)
        print_forecast(found, arguments.json)
        return 0
    with open_job(arguments, configuration, workspace, release, inputs) as job:
        from pipelines.command.certified import status_of_cap
        from pipelines.summary import print_summary

        announce(job, inputs, ignored)
        stages = [job.annotate(inputs, ignored), job.deduplicate(), job.select(), job.publish(release)]
        sign(release)
        manifest, harvest = job.manifest(release), job.harvest()
        print_summary(release, manifest, stages, harvest.failures, as_json=arguments.json)
    return complain_of_failures(harvest) or status_of_cap(manifest, configuration)
