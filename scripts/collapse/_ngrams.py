"""A small language model: word trigrams, interpolated as Kneser and Ney do, trained and sampled in whole columns.

Its probabilities are exact and sum to 1, so a held-out perplexity means what it says. It writes as generators in use do,
without its own tail: at each order only the likeliest continuations that hold `nucleus` of the chance (top-p).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

#: What Kneser and Ney take from each count; Chen and Goodman (1999) find .7 to .9 for trigrams of small corpora.
DISCOUNT = 0.75
#: Numbers of what is no word: unknown, beginning and end of a document.
UNKNOWN, BEGIN, END = 0, 1, 2
ORDER = 3


class Vocabulary:
    """Numbers of words: those of the first texts, one for all others, one for each end of a document."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.words = ["", "", "", *sorted({word for text in texts for word in text.split()})]
        self.number = {word: place for place, word in enumerate(self.words) if place > END}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, texts: Sequence[str]) -> Integers:
        """All documents one after another, each as two BEGIN, its words, END."""
        numbers: list[int] = []
        for text in texts:
            numbers += [BEGIN, BEGIN, *(self.number.get(word, UNKNOWN) for word in text.split()), END]
        return np.array(numbers, np.int64)

    def decode(self, row: Integers) -> str:
        """The text of one document: its words up to the first END."""
        return " ".join(self.words[number] for number in row.tolist() if number > END)


@dataclass(frozen=True)
class Level:
    """Continuations of the contexts of one order, sorted by context and then by falling count."""

    contexts: Integers  # (contexts,), sorted keys
    start: Integers  # (contexts + 1,), where each context's continuations begin
    words: Integers  # (entries,)
    keys: Integers  # (entries,), sorted: place of the context times vocabulary plus word
    order: Integers  # (entries,), which entry each key is
    kept: Floats  # (entries,), discounted counts over the total of the context
    spare: Floats  # (contexts,), what the discount leaves to the lower order
    nucleus: Floats  # (entries,), running sum over all entries of what is drawn from
    mass: Floats  # (contexts,), sum of that for each context


class Trigrams:
    """The model: P(w | u v) of three orders, each discounted and filled up from the one below, at the bottom evenly."""

    def __init__(self, numbers: Integers, size: int, nucleus: float = 1.0, temperature: float = 1.0) -> None:
        """`numbers` are documents as `Vocabulary.encode` leaves them, `size` is the length of the vocabulary.

        `nucleus` and `temperature` change what is written, never the probabilities.
        """
        self.size = size
        first, second, third = numbers[:-2], numbers[1:-1], numbers[2:]
        # What is unknown teaches nothing: a few of them would pass for the context of all that held-out text has.
        inside = (first != UNKNOWN) & (second != UNKNOWN) & (third >= END)
        first, second, third = first[inside], second[inside], third[inside]
        triples, counts = np.unique(self._pair(first, second) * size + third, return_counts=True)
        # Lower orders count the different words before, not occurrences: a word that follows one other only is rare elsewhere.
        pairs, before = np.unique(triples % (size * size), return_counts=True)
        singles, contexts = np.unique(pairs % size, return_counts=True)
        shape = (nucleus, temperature)
        self.levels = [
            self._level(np.zeros(len(singles), np.int64), singles, contexts, shape),
            self._level(pairs // size, pairs % size, before, shape),
            self._level(triples // size, triples % size, counts, shape),
        ]

    def _pair(self, first: Integers, second: Integers) -> Integers:
        return first * self.size + second

    def _level(
        self, context: Integers, words: Integers, counts: Integers, shape: tuple[float, float]
    ) -> Level:
        nucleus, temperature = shape
        by_count = np.lexsort([words, -counts, context])
        context, words, counts = context[by_count], words[by_count], counts[by_count]
        contexts, start, of = np.unique(context, return_index=True, return_inverse=True)
        start = np.append(start, len(words))
        total = np.add.reduceat(counts, start[:-1])
        kept = (counts - DISCOUNT) / total[of]
        drawn = kept ** (1 / temperature)
        running = np.cumsum(drawn)
        base = np.append(0.0, running)[start[:-1]]
        inside = running - drawn - base[of]  # chance of what is likelier
        drawn = np.where(inside < nucleus * (running[start[1:] - 1] - base)[of], drawn, 0.0)
        keys = of * self.size + words
        order = np.argsort(keys)
        return Level(
            contexts=contexts,
            start=start,
            words=words,
            keys=keys[order],
            order=order,
            kept=kept,
            spare=DISCOUNT * np.diff(start) / total,
            nucleus=np.cumsum(drawn),
            mass=np.add.reduceat(drawn, start[:-1]),
        )

    def probability(self, first: Integers, second: Integers, word: Integers) -> Floats:
        """P(word | first second), of the shape of its arguments."""
        value = np.full(len(word), 1 / (self.size - 1))  # BEGIN is never predicted
        for level, context in zip(self.levels, self._contexts(first, second), strict=True):
            place, known = _find(level.contexts, context)
            entry, seen = _find(level.keys, place * self.size + word)
            own = np.where(known & seen, level.kept[level.order[entry]], 0.0)
            value = own + np.where(known, level.spare[place], 1.0) * value
        return value

    def perplexity(self, numbers: Integers) -> float:
        """Of documents as `Vocabulary.encode` leaves them; words out of the vocabulary are left out, as are contexts' ends."""
        first, second, third = numbers[:-2], numbers[1:-1], numbers[2:]
        scored = third >= END
        chance = self.probability(first[scored], second[scored], third[scored])
        return float(np.exp(-np.log(chance).mean()))

    def write(self, documents: int, words: int, random: np.random.Generator) -> Integers:
        """Documents of at most `words` words, of shape (documents, words), filled up with END.

        The end of a document is not drawn before half of its words are there, so that no page is too short to be one.
        """
        rows = np.full((documents, words), END, np.int64)
        first, second = np.full(documents, BEGIN), np.full(documents, BEGIN)
        going = np.ones(documents, bool)
        for place in range(words):
            word = self._draw(first, second, random)
            while place < words // 2 and (ended := word == END).any():
                # The document goes on as a new one begins.
                first[ended] = second[ended] = BEGIN
                word[ended] = self._draw(first[ended], second[ended], random)
            going &= word != END
            rows[going, place] = word[going]
            first, second = second, word
        return rows

    def _draw(self, first: Integers, second: Integers, random: np.random.Generator) -> Integers:
        word = np.full(len(first), -1)
        contexts = self._contexts(first, second)
        for order in reversed(range(ORDER)):
            level = self.levels[order]
            place, known = _find(level.contexts, contexts[order])
            lower, within = random.random(len(first)), random.random(len(first))
            here = (word < 0) & known & ((lower >= level.spare[place]) | (order == 0))
            target = level.nucleus[level.start[place + 1] - 1] - level.mass[place] * within
            entry = np.searchsorted(level.nucleus, target, side="left")
            # Rounding may lead into a neighbour.
            entry = np.clip(entry, level.start[place], level.start[place + 1] - 1)
            word[here] = level.words[entry[here]]
        return word

    def _contexts(self, first: Integers, second: Integers) -> list[Integers]:
        return [np.zeros_like(second), second, self._pair(first, second)]


def _find(keys: Integers, wanted: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """(places, whether they are what is wanted) in sorted keys."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted
