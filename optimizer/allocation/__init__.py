"""Splitting one budget over cells: prices, branch and bound, caution, certificate."""

from optimizer.allocation.allocate import Allocation, Route, allocate
from optimizer.allocation.certificate import Branch, Certificate, Leaf, Proof, certify
from optimizer.allocation.problem import AllocationProblem

__all__ = [
    "Allocation",
    "AllocationProblem",
    "Branch",
    "Certificate",
    "Leaf",
    "Proof",
    "Route",
    "allocate",
    "certify",
]
