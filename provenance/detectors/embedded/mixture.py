"""What the experts' scores are worth: their mixture and its calibration, from scores of what they never saw.

The mixture counts in rarity among humans, so that no expert may raise more false alarms than another; thresholds
belong to web prose of a language and length. An expert counts in a language only where it is proven to separate there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenance.detectors.embedded.calibration import BUCKETS, Calibration, auroc, bucket, fit_line
from provenance.detectors.embedded.model import mix_experts
from provenance.detectors.embedded.register import fit_damping
from provenance.detectors.embedded.thresholds import find_margin, find_trend, near, raised_thresholds
from provenance.detectors.embedded.training import RHYTHM, Corpus

#: Coarse domains that are prose of web pages. Others (novels, textbooks, abstracts, speeches, reviews, e-mail) are
#: measured beside them: the worst of those set the threshold before, which cost half of what is found on pages.
WEB = frozenset(
    (
        "blog",
        "community",
        "edu",
        "forum",
        "gov",
        "guide",
        "health",
        "interview",
        "news",
        "opinion",
        "personal",
    )
    + ("qa", "recipe", "self", "tech", "travel", "writing")
)
#: Domains of humans in a language from which on each counts alike.
_MANY = 8
#: Steepest line from a score to its log-likelihood ratio.
_MAX_SLOPE = 2.0
#: Part of the least share of common words among human passages that a page still needs: pages are more mixed.
_SPARE = 0.8
#: Share of humans between which a tail is fitted: rarer ones are too few to place it.
_TAIL = (0.004, 0.15)
#: The most that a score can say, in nats; the least is measured.
MOST = 4.0
#: Share of synthetic text taken to be of a family that no expert knows, which scores as humans do: without it the
#: least ratio would be -4 nats, and an expert of other families has AUROC .4 to .6 on one that it does not know.
_UNKNOWN = 0.05
#: Passages of each label that an expert needs in a language, and its AUROC there, to count in it.
_LEAST = 30
_MIN_AUROC = 0.8
#: Human passages, and documents that they come from, that a language must have to be claimed.
CLAIM, CLAIM_DOCUMENTS = 300, 20


def web_prose(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which documents are human prose as web pages have it; all human ones of a language where those are few."""
    human = ~table.synthetic.to_numpy()
    web = human & table.stem.isin(WEB).to_numpy()
    for language in table.language.unique():
        rows = (table.language == language).to_numpy()
        if (web & rows).sum() < 2 * _LEAST:
            web |= human & rows
    return np.asarray(web, bool)


def proofs(
    corpus: Corpus, scores: NDArray[np.float64], use: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Language → expert → AUROC of its held-out `scores` on its family, where `use` has passages enough to tell.

    Left out are languages that cannot be claimed: with fewer human passages or documents than `CLAIM`, or of one
    repository only. The first language, that of most documents, is always there.
    """
    usable = use & corpus.whole & (corpus.rows.words >= BUCKETS[0]) & ~np.isnan(scores).any(axis=1)
    found: dict[str, dict[str, float]] = {}
    for language in corpus.table.language.value_counts().index:
        here = usable & (corpus.table.language == language).to_numpy()
        human = here & ~corpus.synthetic
        about = corpus.table[human]
        claimed = len(about) >= CLAIM and about.group.nunique() >= CLAIM_DOCUMENTS
        if found and not (claimed and about.repository.nunique() > 1):
            continue
        for column, (name, members) in enumerate(corpus.families().items()):
            chosen = human | (here & members)
            if min(human.sum(), (here & members).sum()) >= _LEAST:
                area = auroc(scores[chosen, column], corpus.synthetic[chosen])
                found.setdefault(str(language), {})[name] = round(area, 4)
    if not found:
        raise ValueError(
            f"no language has {_LEAST} human and synthetic passages of {BUCKETS[0]} words or more"
        )
    return found


def spoken(proof: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """Language → experts that count there: in the first language all that were measured, elsewhere those proven to separate.

    The expert of style stands in for families of which a language has no texts. Beside all the others it cost 2 points of
    recall in English, and in Japanese it raised false alarms from .1% to 1% at the same recall.
    """
    first = next(iter(proof))
    found = {}
    for language, areas in proof.items():
        names = [name for name, area in areas.items() if area >= _MIN_AUROC or language == first]
        if len(names) == len(proof[first]) and len(names) > 1:
            names.remove(RHYTHM)
        if names:
            found[language] = names
    return found


def fit_mixture(
    corpus: Corpus, scores: NDArray[np.float64], use: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """Language → (intercept, slope) of each expert, (experts, 2), from held-out scores of humans in `use`.

    A line gives how rare a score is among human web prose, in nats: -log of the share that reaches it. An expert that
    does not count in a language has intercept -inf there. The last line is what formal prose loses; it is known in
    the first language only.
    """
    families = corpus.families()
    usable = use & corpus.whole & (corpus.rows.words >= BUCKETS[0]) & web_prose(corpus.table)
    usable &= ~np.isnan(scores).any(axis=1)
    mixture: dict[str, NDArray[np.float32]] = {}
    for language, names in spoken(proofs(corpus, scores, use)).items():
        here = usable & (corpus.table.language == language).to_numpy()
        weight = domain_weights(corpus.table[here])
        lines = np.full((len(families) + 1, 2), (-np.inf, 0.0), np.float32)
        lines[-1] = 0.0 if mixture else fit_damping(corpus.table, scores[:, -1], here, weight)
        for column, name in enumerate(families):
            if name in names:
                intercept, slope = tail_line(scores[here, column], weight)
                lines[column] = intercept - np.log(len(names)), slope
        mixture[language] = lines
    return mixture


def tail_line(scores: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """(intercept, slope) of -log of the share of weight at or above a score, fitted on the upper tail."""
    order = np.argsort(-scores, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    tail = (share > _TAIL[0]) & (share < _TAIL[1])
    if tail.sum() < 5:
        tail = share < 0.5
    x, y = scores[order][tail], -np.log(share[tail])
    spread = ((x - x.mean()) ** 2).sum()
    slope = float(max(0.0, ((x - x.mean()) * (y - y.mean())).sum() / spread)) if spread > 0 else 0.0
    return float(y.mean() - slope * x.mean()), slope


def mix(
    corpus: Corpus, scores: NDArray[np.float64], mixture: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float64]:
    """Score of each document, (documents,), from those of the experts by the lines of its language."""
    first = next(iter(mixture.values()))
    lines = np.stack([mixture.get(language, first) for language in corpus.table.language])
    return mix_experts(scores, lines)


def calibrate(
    corpus: Corpus,
    scores: NDArray[np.float64],
    detector: str,
    describe: Mapping[str, object],
    use: NDArray[np.bool_],
) -> Calibration:
    """A calibration from held-out expert `scores` of documents in `use`: one line and one row of thresholds per language and length.

    Claimed are the languages of `spoken`. Both rest on human web prose, lines on the families that an expert there
    knows too; each domain, and of synthetic text each family, counts alike.
    """
    proof = proofs(corpus, scores, use)
    mixed = mix(corpus, scores, fit_mixture(corpus, scores, use))
    families, words = corpus.families(), corpus.rows.words
    web = web_prose(corpus.table)
    lines: dict[str, list[tuple[float, float]]] = {}
    thresholds: dict[str, list[list[float]]] = {}
    floors: dict[str, float] = {}
    support: dict[str, dict[str, int]] = {}
    trend: NDArray[np.float64] | None = None
    for language, names in spoken(proof).items():  # the first has the trend for all
        kind = np.logical_or.reduce([families[name] for name in names]) | web
        here = use & ~np.isnan(mixed) & (words >= BUCKETS[0]) & (corpus.table.language == language).to_numpy()
        chosen = here & kind
        spread = family_weights(corpus, chosen)
        own, machine, length = mixed[chosen], corpus.synthetic[chosen], words[chosen]
        human = ~machine
        lines[language] = []
        for index in range(len(BUCKETS)):
            at = near(index, length, machine)
            # Rounded: the last digits of a fit depend on the processor, and the shipped bytes must not.
            intercept, slope = _fit_upper_line(own[at], machine[at], spread[at])
            lines[language].append((round(intercept, 6), round(slope, 6)))
        about = corpus.table[chosen & ~corpus.synthetic & corpus.whole]
        people = own[human], length[human], spread[human]
        margin = 0.0
        if about.stem.nunique() < _MANY:
            whole = corpus.whole[chosen][human]
            known, lengths, weight = (part[whole] for part in people)
            margin = find_margin(known, lengths, weight, trend, about.repository.to_numpy())
        thresholds[language] = raised_thresholds(*people, trend, margin)
        trend = trend if trend is not None else find_trend(*people)
        floors[language] = round(
            float(np.quantile(corpus.rows.known[here & ~corpus.synthetic], 0.001)) * _SPARE, 6
        )
        support[language] = {"passages": len(about), "documents": int(about.group.nunique())}
        support[language]["repositories"] = int(about.repository.nunique())
    bounds = (_least_ratio(corpus, mixed, lines, use), MOST)
    parts = json.dumps([lines, thresholds, floors, bounds], sort_keys=True)
    digest = hashlib.sha256(parts.encode()).hexdigest()
    provenance = {**describe, "scores": "held-out domains and makers; base models left out", "auroc": proof}
    provenance["web prose"] = support
    made = Calibration(
        f"3.{digest[:8]}", detector, lines, thresholds, floors, bounds=bounds, provenance=provenance
    )
    means, spreads = _human_ratios(corpus, mixed, made, use & web & corpus.whole)
    return replace(made, human_means=means, human_spreads=spreads)


def _human_ratios(
    corpus: Corpus, mixed: NDArray[np.float64], made: Calibration, humans: NDArray[np.bool_]
) -> tuple[dict[str, float], dict[str, float]]:
    """Mean ratio of held-out human web prose by language, every domain alike (1, but for what the bounds cut off), and its relative variance."""
    means, spreads = {}, {}
    for language, lines in made.lines.items():
        rows = humans & ~np.isnan(mixed) & (corpus.rows.words >= BUCKETS[0])
        rows &= (corpus.table.language == language).to_numpy()
        line = np.asarray(lines)[bucket(corpus.rows.words[rows])]
        ratios = np.exp(np.clip(line[:, 0] + line[:, 1] * mixed[rows], *made.bounds))
        weight = domain_weights(corpus.table[rows])
        mean = float(np.average(ratios, weights=weight))
        means[language] = round(mean, 4)
        spreads[language] = round(float(np.average((ratios / mean - 1) ** 2, weights=weight)), 3)
    return means, spreads


def family_weights(corpus: Corpus, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of the `chosen` documents, (their number,): each domain alike, each of the exclusive families alike."""
    table = corpus.table[chosen]
    weight = domain_weights(table)
    kind = np.where(
        table.recent, "recent", np.where(table.named, "named", np.where(table.synthetic, "earlier", ""))
    )
    for name in sorted(set(kind) - {""}):
        weight[kind == name] /= weight[kind == name].sum()
    return weight


def _fit_upper_line(
    scores: NDArray[np.float64], synthetic: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """(intercept, slope) that fit best where the ratio is above -2.

    Below, ratios are cut off anyway, and the synthetic passages that look entirely human would only flatten the line.
    """
    line = fit_line(scores, synthetic, weights, max_slope=_MAX_SLOPE)
    for _ in range(3):
        upper = line[0] + line[1] * scores > -2
        if min((upper & synthetic).sum(), (upper & ~synthetic).sum()) < _LEAST:
            break
        shares = [weights[upper & label].sum() / weights[label].sum() for label in (synthetic, ~synthetic)]
        intercept, slope = fit_line(scores[upper], synthetic[upper], weights[upper], max_slope=_MAX_SLOPE)
        line = intercept + float(np.log(shares[0] / shares[1])), slope
    return line


def _least_ratio(
    corpus: Corpus,
    mixed: NDArray[np.float64],
    lines: Mapping[str, list[tuple[float, float]]],
    use: NDArray[np.bool_],
) -> float:
    """The least ratio that held-out scores support, in nats, not above -1: how rare synthetic passages are where the line is lowest.

    Some synthetic text looks entirely human to a detector of this kind, so a low score never proves a human.
    Measured in the first language, on the quarter of its human weight that the lines rank lowest.
    """
    language = corpus.table.language.value_counts().index[0]
    known = np.logical_or.reduce(list(corpus.families().values())) | ~corpus.synthetic
    chosen = use & known & (corpus.rows.words >= BUCKETS[0]) & (corpus.table.language == language).to_numpy()
    chosen &= ~np.isnan(mixed) & corpus.whole
    line = np.asarray(lines[language])[bucket(corpus.rows.words[chosen])]
    ratio = line[:, 0] + line[:, 1] * mixed[chosen]
    machine, weight = corpus.synthetic[chosen], domain_weights(corpus.table[chosen])
    order = np.argsort(ratio, kind="stable")
    human = np.cumsum(np.where(machine, 0, weight)[order]) / weight[~machine].sum()
    synthetic = np.cumsum(np.where(machine, weight, 0)[order]) / weight[machine].sum()
    at = int(np.searchsorted(human, 0.25))
    share = (1 - _UNKNOWN) * synthetic[at] / human[at] + _UNKNOWN
    return round(float(np.clip(np.log(share), -MOST, -1.0)), 6)


def domain_weights(table: pd.DataFrame) -> NDArray[np.float64]:
    """Weights of documents of one language that make every (label, domain) count alike, those under 100 in proportion.

    All 1 where humans have fewer domains than `_MANY`: one small domain of a few would set every threshold.
    """
    if table.stem[~table.synthetic].nunique() < _MANY:
        return np.ones(len(table))
    size = table.groupby(["synthetic", "stem"]).synthetic.transform("size").to_numpy()
    return np.asarray(1.0 / np.maximum(size, 100))
