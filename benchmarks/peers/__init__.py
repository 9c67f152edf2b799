"""Other ways to split a budget, as well as they can be done: scaled, exact gradients, one thread.

Every method answers the same question as ours. What it returns may miss a limit, for some cannot
state all of them (none but the MILP knows minima if active): `repaired` then moves as little money
as it can to make the answer feasible, outside its time. A method that takes too long is stopped
at its best split so far, and its time says so.
"""

from __future__ import annotations

from benchmarks.peers.clarabel import clarabel
from benchmarks.peers.evolution import evolution
from benchmarks.peers.jump_greedy import jump_greedy
from benchmarks.peers.piecewise_milp import piecewise_milp
from benchmarks.peers.scaled import Scaled
from benchmarks.peers.slsqp import slsqp, slsqp_starts
from benchmarks.peers.trial import Method, Reached, repaired, run
from benchmarks.peers.trust_constr import trust_constr

__all__ = ["METHODS", "Method", "Reached", "Scaled", "repaired", "run"]

#: name -> method, the largest n it is tried at, and whether it needs concave curves
METHODS: dict[str, tuple[Method, int, bool]] = {
    "SLSQP from history": (lambda s: slsqp(s, s.history), 1000, False),
    "SLSQP from equal": (lambda s: slsqp(s, s.equal), 1000, False),
    "SLSQP best of 10": (slsqp_starts, 100, False),
    "jump-greedy grid": (jump_greedy, 1000, False),
    "HiGHS MILP": (piecewise_milp, 1000, False),
    "trust-constr": (trust_constr, 30, False),
    "differential evolution": (evolution, 30, False),
    "cvxpy + Clarabel": (clarabel, 10_000, True),
}
