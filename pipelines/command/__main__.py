"""`python -m pipelines.command`, for where no console script is installed."""

import sys

from pipelines.command.main import main

sys.exit(main())
