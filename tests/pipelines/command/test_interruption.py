"""An interrupt stops the work wherever it strikes, also where Python swallows what is raised."""

from __future__ import annotations

import os
import signal
import time

import pytest

from pipelines.command.interruption import Interruption


class Closing:
    """Its end is interrupted: what a finaliser raises is ignored by Python."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


def test_an_interrupt_that_a_finaliser_swallows_strikes_again(capsys: pytest.CaptureFixture[str]) -> None:
    interruption = Interruption()
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(KeyboardInterrupt), interruption.watched():
        Closing()
        time.sleep(10)
    assert interruption.happened
    assert signal.getsignal(signal.SIGALRM) == before
    assert capsys.readouterr().err == ""
