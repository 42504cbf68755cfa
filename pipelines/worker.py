"""A worker process that an engine starts on its own machine: `--environment_type=PROCESS`, command `provenance-worker`.

Beam's containers have a program that does this and installs packages on the way; here the environment is the one
that the command lies in. A worker ends with the engine's process that started it, whatever it was doing.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc, endpoints_pb2
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor
from google.protobuf import json_format

#: Seconds between two looks at whether the engine still lives.
_LOOK = 1.0
#: Seconds in which the engine must say what the job is.
_PATIENCE = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one worker for the engine that the arguments name; the console script `provenance-worker`."""
    arguments = parse(argv)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    logging.getLogger().setLevel(logging.ERROR)  # as in the command: Beam warns of every optional library
    os.environ.update(_environment(arguments))
    sdk_worker_main.main([])
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments that Beam gives to every program that starts a worker."""
    parser = argparse.ArgumentParser(prog="provenance-worker", description=main.__doc__, allow_abbrev=False)
    # Prism 2.77.0 quotes the name for a shell, asks none, and waits for ever for a worker that calls itself otherwise.
    parser.add_argument("--id", required=True, type=lambda name: name.strip("'"), help="name of the worker")
    parser.add_argument(
        "--provision_endpoint", required=True, metavar="HOST:PORT", help="says what the job is"
    )
    parser.add_argument("--control_endpoint", default="", metavar="HOST:PORT", help="gives the work")
    parser.add_argument("--logging_endpoint", default="", metavar="HOST:PORT", help="takes messages")
    parser.add_argument("--artifact_endpoint", help="not used: nothing is installed")
    return parser.parse_args(sys.argv[1:] if argv is None else argv)


def _environment(arguments: argparse.Namespace) -> dict[str, str]:
    """What Beam's worker reads from its environment."""
    with grpc.insecure_channel(arguments.provision_endpoint) as channel:
        asked = beam_provision_api_pb2.GetProvisionInfoRequest()
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(
            grpc.intercept_channel(channel, WorkerIdInterceptor(arguments.id))
        )
        info = stub.GetProvisionInfo(asked, timeout=_PATIENCE, wait_for_ready=True).info
    control = arguments.control_endpoint or info.control_endpoint.url
    messages = arguments.logging_endpoint or info.logging_endpoint.url
    return {
        "WORKER_ID": arguments.id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "CONTROL_API_SERVICE_DESCRIPTOR": str(endpoints_pb2.ApiServiceDescriptor(url=control)),
        "LOGGING_API_SERVICE_DESCRIPTOR": str(endpoints_pb2.ApiServiceDescriptor(url=messages)),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }


def end_with(parent: int) -> None:
    """End this process when its parent has ended: what it would still write, another worker writes by then."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
