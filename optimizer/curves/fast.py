"""When compiled loops answer instead of numpy: where numba is installed and it pays.

Compiling takes seconds in every process, for no file is written; so without being asked only
problems of very many cells are worth it. A process that answers many of them says so once:

>>> from optimizer.curves import compiled_from
>>> with compiled_from(cells=1):
...     pass  # every Hill problem in here is answered by compiled loops, if there are any

Both ways give the same numbers but for the last digits.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

AVAILABLE = importlib.util.find_spec("numba") is not None
PAYS_FROM = 10_000_000  # cells; of fewer, one plain answer is ready before the loops are compiled

_least_cells: ContextVar[int] = ContextVar("least_cells", default=PAYS_FROM)


@contextmanager
def compiled_from(cells: int) -> Iterator[None]:
    """Use compiled loops for problems of at least so many cells, where numba is installed."""
    token = _least_cells.set(cells)
    try:
        yield
    finally:
        _least_cells.reset(token)


def is_compiled(n_cells: int) -> bool:
    """Whether compiled loops answer for so many cells."""
    return AVAILABLE and n_cells >= _least_cells.get()
