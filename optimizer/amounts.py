"""Doubtful figures as a sentence says them: three digits, since more would promise too much."""

from __future__ import annotations


def about(value: float) -> str:
    """An amount to three digits.

    Examples
    --------
    >>> about(244_231.7), about(-0.012345), about(99.96), about(0.0)
    ('244,000', '−0.0123', '100', '0')
    """
    rounded = float(f"{value:.3g}")
    text = f"{rounded:,.0f}" if abs(rounded) >= 100.0 else f"{rounded:,g}"
    return text.replace("-", "−")


def sure(probability: float) -> str:
    """A probability, never rounded to certainty.

    Examples
    --------
    >>> sure(0.97), sure(1.0), sure(0.001)
    ('97 %', 'over 99 %', 'under 1 %')
    """
    if probability > 0.995:
        return "over 99 %"
    return "under 1 %" if probability < 0.005 else f"{100.0 * probability:.0f} %"


def interval(low: float, high: float) -> str:
    """Both ends of an interval of nine in ten.

    Examples
    --------
    >>> interval(-98.0, 152_400.0)
    '90 % interval −98 to 152,000'
    """
    return f"90 % interval {about(low)} to {about(high)}"
