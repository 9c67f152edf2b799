"""Decision regret: is the money spent better after following the advice?

In markets whose truth is known, fit on the history, follow the advice, and count what it earns
between keeping the historical split (0 %) and the best possible one (100 %), both under the
same bounds and budget.
"""
