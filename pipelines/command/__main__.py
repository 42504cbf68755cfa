"""`python -m pipelines.command`, for where no console script is installed."""

from pipelines.command.main import program

program()
