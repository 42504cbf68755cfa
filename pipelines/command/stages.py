"""`provenance annotate | deduplicate | select | publish`: the four stages one by one."""

from __future__ import annotations

import json
from functools import partial

from pipelines.command.job import (
    BEAM_OPTIONS,
    add_earlier,
    add_inputs,
    add_job_options,
    add_keep,
    add_output,
    announce,
    complain_of_failures,
    find_crawl,
    open_job,
    read_configuration,
    signer,
)
from pipelines.command.parser import Arguments, Commands, part
from pipelines.command.places import destination

_STAGES = {
    "annotate": "stage 1: read crawl files and annotate every record",
    "deduplicate": "stage 2: find verified near-duplicates",
    "select": "stage 3: score and apply the cap",
    "publish": "stage 4: write the release",
}


def add_to(commands: Commands) -> None:
    """Add the four commands to the parser."""
    for name, text in _STAGES.items():
        parser = commands.add_parser(name, help=text, description=text, epilog=BEAM_OPTIONS)
        if name == "annotate":
            add_inputs(parser)
            add_keep(parser)
            parser.add_argument(
                "--shard",
                type=part,
                default=(1, 1),
                metavar="I/N",
                help="do the I-th of N parts of the inputs: N calls, on N machines, together do the stage",
            )
        if name == "deduplicate":
            add_earlier(parser, keep=False)
        if name == "publish":
            add_output(parser, required=True, help="directory of the release")
        parser.add_argument(
            "--workspace", type=destination, required=True, metavar="DIR", help="working directory"
        )
        add_job_options(parser, cap=name in ("select", "publish"), publishes=name == "publish")
        parser.set_defaults(run=partial(run, name), output=None)


def run(stage: str, arguments: Arguments) -> int:
    """Run one stage; with --json say how much of it ran. 1 where no document came because records failed, or the cap is not certified."""
    configuration = read_configuration(arguments)
    workspace, sign = arguments.workspace, signer(arguments)
    reads = stage == "annotate"
    inputs, ignored = find_crawl(arguments, configuration, workspace) if reads else ([], [])
    with open_job(arguments, configuration, workspace, arguments.output, inputs if reads else None) as job:
        code = 0
        if reads:
            announce(job, inputs, ignored)
            result = job.annotate(inputs, ignored, arguments.shard)
            if job.workspace.read_state("annotate") is not None:
                code = complain_of_failures(job.harvest())
        elif stage == "deduplicate":
            result = job.deduplicate()
        elif stage == "select":
            result = job.select()
        else:
            result = job.publish(arguments.output)
            sign(arguments.output)
            from pipelines.command.certified import complain_of_cap, status_of_cap

            manifest = job.manifest(arguments.output)
            complain_of_cap(manifest)
            code = status_of_cap(manifest, configuration)
    if arguments.json:
        print(json.dumps({"stage": result.stage, "ran": result.ran, "unchanged": result.unchanged}))
    return code
