"""The console script `provenance`: one module a command, the parser beside what it runs."""

from pipelines.command.main import main

__all__ = ["main"]
