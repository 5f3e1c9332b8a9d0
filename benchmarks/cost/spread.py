"""What the rounds of each figure gave: medians, quartiles, percentiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from numpy import quantile

# A candidate, one of its figures, and what one round gave.
Sample = tuple[str, str, float]
Values = dict[tuple[str, str], list[float]]  # of the rounds, by candidate and figure
Figures = dict[str, dict[str, Any]]  # by candidate, then by figure

_POINTS = {"least": 0.0, "lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
_SLOWEST = {"p99": 0.99, "p99.9": 0.999}


def gathered(samples: Iterable[Sample]) -> Values:
    """Sort the samples by what they are of."""
    values: Values = defaultdict(list)
    for name, figure, value in samples:
        values[name, figure].append(value)
    return values


def summarised(values: Values) -> Figures:
    """Return what the rounds of each figure gave."""
    found: Figures = defaultdict(dict)
    for (name, figure), rounds in values.items():
        found[name][figure] = spread(rounds)
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Summarise what the rounds of one measurement gave: only what so many can tell."""
    told = {name: at for name, at in _SLOWEST.items() if len(values) * (1 - at) >= 1}
    found = {name: float(quantile(values, at)) for name, at in (_POINTS | told).items()}
    return {**found, "rounds": len(values)}
