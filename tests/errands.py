"""Small tasks for workers, in a module that loads nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path


def squared(number: int) -> int:
    return number * number


def deadly(number: int) -> int:
    """Ends its process at 5, after others have begun."""
    time.sleep(0.02)
    if number == 5:
        os._exit(1)
    return number


def deadly_once(task: tuple[int, str]) -> int:
    """Ends its process at 5, the first time."""
    number, mark = task
    if number == 5 and not Path(mark).exists():
        Path(mark).touch()
        os._exit(1)
    return number
