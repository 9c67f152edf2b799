"""Saturating response curves, fitted, and budgets split over them with a proof."""
