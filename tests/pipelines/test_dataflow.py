"""The graphs that Dataflow would be given: built here for every stage, not run there.

What has to hold for a service far away: one container for all code, nothing of this machine in it, no transform
that only a local runner knows, and tasks that can be read where they arrive.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as beam_protos
from apache_beam.runners.runner import PipelineRunner
from apache_beam.transforms.environments import DockerEnvironment

from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.runner import Runner
from provenance.configuration import Configuration
from provenance.files.inputs import find_inputs
from provenance.files.storage import LocalStorage
from tests.program import DEMO, contents

IMAGE = "registry.example/provenance:1"
OPTIONS = (
    "--runner=DataflowRunner",
    "--project=a-project",
    "--region=europe-west4",
    "--temp_location=gs://bucket/temp",
    f"--sdk_container_image={IMAGE}",
)
#: Steps that every runner knows; anything else must be made of them.
PRIMITIVES = {
    common_urns.primitives.IMPULSE.urn,
    common_urns.primitives.PAR_DO.urn,
    common_urns.primitives.FLATTEN.urn,
    common_urns.primitives.GROUP_BY_KEY.urn,
}


@dataclass(frozen=True)
class Drawn(Runner):
    """Runs in process, and keeps the graph that Dataflow would get."""

    graphs: list[beam_protos.Pipeline] = field(default_factory=list)

    def run(self, build: Callable[[beam.Pipeline], object]) -> None:
        options = Runner(OPTIONS).options()
        pipeline = beam.Pipeline(runner=PipelineRunner(), options=options)
        build(pipeline)
        image = DockerEnvironment.from_options(options)
        self.graphs.append(pipeline.to_runner_api(default_environment=image))
        super().run(build)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory, demo_release: Path) -> list[beam_protos.Pipeline]:
    folder = tmp_path_factory.mktemp("dataflow")
    runner, storage = Drawn(), LocalStorage()
    job = Job(storage, str(folder / "workspace"), Configuration(), runner, Progress(quiet=True))
    job.annotate(find_inputs(storage, [str(DEMO)])[0])
    job.deduplicate()
    job.select()
    job.publish(str(folder / "release"))
    assert contents(folder / "release") == contents(demo_release)
    shutil.rmtree(folder)
    return runner.graphs


def test_every_stage_has_a_graph(graphs: list[beam_protos.Pipeline]) -> None:
    names = [step.unique_name for graph in graphs for step in graph.components.transforms.values()]
    for stage in ("AnnotateFiles", "FindEdges", "Keepers", "Select", "WriteData"):
        assert any(stage in name for name in names), stage


def test_leaves_of_all_graphs_are_steps_that_every_runner_knows(graphs: list[beam_protos.Pipeline]) -> None:
    leaves = {
        step.spec.urn
        for graph in graphs
        for step in graph.components.transforms.values()
        if not step.subtransforms and step.spec.urn
    }
    assert leaves <= PRIMITIVES


def test_all_code_runs_in_the_image_that_was_named(graphs: list[beam_protos.Pipeline]) -> None:
    for graph in graphs:
        images = {
            beam_protos.DockerPayload.FromString(environment.payload).container_image
            for environment in graph.components.environments.values()
            if environment.urn == common_urns.environments.DOCKER.urn
        }
        assert images == {IMAGE}


def test_options_of_dataflow_are_known(graphs: list[beam_protos.Pipeline]) -> None:
    assert isinstance(Runner(OPTIONS).options(), PipelineOptions)
