"""Medians, quartiles and percentiles of what was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median, quantiles
from typing import Any

# A candidate, one of its figures ("import.ms": one of several), and what one round gave.
Sample = tuple[str, str, float]
Values = dict[str, dict[str, list[float]]]  # of the rounds, by candidate and figure
Figures = dict[str, dict[str, Any]]  # by candidate, then by figure

_TIMES = ("connect_us", "whole_us")  # of which the slowest count
_SINGLE = ("kept_bytes", "idle_cpu_s_per_hour", "idle_cpu_s_per_hour_unwatched")


def gathered(samples: Iterable[Sample]) -> Values:
    """Sort the samples by what they are of."""
    values: Values = defaultdict(lambda: defaultdict(list))
    for name, figure, value in samples:
        values[name][figure].append(value)
    return values


def summarised(values: Values) -> Figures:
    """Return what the rounds of each figure gave."""
    found: Figures = {}
    for name, figures in values.items():
        own = found.setdefault(name, {})
        for figure, rounds in figures.items():
            head, _, at = figure.partition(".")
            if at:
                own.setdefault(head, {})[at] = spread(rounds)
            elif figure in _TIMES:
                own[figure] = percentiles(rounds)
            else:
                own[figure] = rounds[0] if figure in _SINGLE else spread(rounds)
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Summarise what the rounds of one measurement gave."""
    lower, _, upper = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {
        "median": median(values),
        "lower_quartile": lower,
        "upper_quartile": upper,
        "least": min(values),
        "rounds": len(values),
    }


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p99 and p99.9; None where there are too few values to tell."""
    ordered = sorted(values)
    found: dict[str, float | None] = {}
    for percent in (50, 99, 99.9):
        above = round(len(ordered) * (100 - percent) / 100)
        found[f"p{percent:g}"] = ordered[-above - 1] if above else None
    return found


def ratios(values: Sequence[float], base: Sequence[float]) -> dict[str, float]:
    """Summarise how many times `base` each value is, round by round: noise hits both alike."""
    return spread([value / other for value, other in zip(values, base, strict=True)])
