"""The console script `provenance`: one module a command, the parser beside what it runs."""

from pipelines.command.main import main, program

__all__ = ["main", "program"]
