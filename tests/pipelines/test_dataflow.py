"""What of Dataflow can be tried without it: every stage has a graph that can be sent, and its options are known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability.api import beam_runner_api_pb2 as beam_protos
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


@dataclass(frozen=True)
class Drawn(Runner):
    """Runs in process, and keeps the graph that Dataflow would get."""

    graphs: list[beam_protos.Pipeline] = field(default_factory=list)

    def run(self, build: Callable[[beam.Pipeline], object]) -> None:
        image = DockerEnvironment.from_options(Runner(OPTIONS).options().view_as(PortableOptions))

        def draw(pipeline: beam.Pipeline) -> None:
            build(pipeline)
            self.graphs.append(pipeline.to_runner_api(default_environment=image))

        super().run(draw)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory, demo_release: Path) -> list[beam_protos.Pipeline]:
    folder = tmp_path_factory.mktemp("dataflow")
    runner, storage = Drawn(), LocalStorage()
    job = Job(storage, str(folder / "workspace"), Configuration(), runner, Progress(quiet=True))
    job.annotate(*find_inputs(storage, [str(DEMO)]))
    job.deduplicate()
    job.select()
    job.publish(str(folder / "release"))
    made, expected = (
        {name: found for name, found in contents(where).items() if name.startswith("data/")}
        for where in (folder / "release", demo_release)
    )
    assert made == expected
    shutil.rmtree(folder)
    return runner.graphs


def test_every_stage_has_a_graph(graphs: list[beam_protos.Pipeline]) -> None:
    names = [step.unique_name for graph in graphs for step in graph.components.transforms.values()]
    for stage in ("AnnotateFiles", "FindEdges", "Keepers", "Select", "WriteData"):
        assert any(stage in name for name in names), stage


def test_options_of_dataflow_are_known(graphs: list[beam_protos.Pipeline]) -> None:
    assert isinstance(Runner(OPTIONS).options(), PipelineOptions)
