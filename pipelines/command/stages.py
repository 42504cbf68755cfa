"""`provenance annotate | deduplicate | select | publish`: the four stages one by one."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from pipelines.command.job import BEAM_OPTIONS, add_inputs, add_job_options, announce, make_job
from pipelines.command.parser import Arguments, Commands

if TYPE_CHECKING:
    from pipelines.job import Job, StageResult

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
        if name == "publish":
            parser.add_argument("--output", required=True, metavar="DIR", help="directory of the release")
        parser.add_argument("--workspace", required=True, metavar="DIR", help="working directory")
        add_job_options(parser, cap=name in ("select", "publish"))
        parser.set_defaults(run=partial(run, name), output=None)


def run(stage: str, arguments: Arguments) -> int:
    """Run one stage; with --json say how much of it ran."""
    job = make_job(arguments, arguments.workspace, arguments.output)
    result = _run_stage(stage, job, arguments)
    if arguments.json:
        print(json.dumps({"stage": result.stage, "ran": result.ran, "unchanged": result.unchanged}))
    return 0


def _run_stage(stage: str, job: Job, arguments: Arguments) -> StageResult:
    if stage == "annotate":
        from provenance.files.inputs import find_inputs

        inputs, ignored = find_inputs(job.storage, arguments.inputs, without=(arguments.workspace,))
        announce(job, inputs, ignored)
        return job.annotate(inputs)
    if stage == "deduplicate":
        return job.deduplicate()
    if stage == "select":
        return job.select()
    return job.publish(arguments.output)
