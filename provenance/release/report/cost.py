"""What machine-written text in its data costs a training run, as far as it has been measured.

Russell et al. 2026, arXiv 2609.40295: compute that reaches the loss of clean data, models of 268 million parameters at 20
tokens a parameter, loss on C4. The page says with it what it does not show.
"""

from __future__ import annotations

from itertools import pairwise

#: (synthetic share of the training tokens, compute that is needed of that without it).
MEASURED = ((0.0, 1.0), (0.01, 1.007), (0.02, 1.017), (0.05, 1.05), (0.10, 1.12), (0.22, 1.34), (0.31, 1.58))
#: From this share on no amount of compute reached the loss of clean data: on C4, and on Paloma.
NEVER = {"C4": 0.59, "Paloma": 0.23}
#: (share, compute) where the loss is that on web text of 2026.
ON_WEB_OF_2026 = (0.22, 0.72)


def cost_of(share: float) -> float | None:
    """Compute for a share, between the measured points on straight lines; None beyond the last."""
    for (low, cheap), (high, dear) in pairwise(MEASURED):
        if low <= share <= high:
            return cheap + (dear - cheap) * (share - low) / (high - low)
    return None
