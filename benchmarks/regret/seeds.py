"""Which seeds grade and which may be looked at while developing; the two sets never meet."""

FIRST_SEED = {"grade": 3_000_000, "develop": 1_000_000}

#: Markets of a family at most. A family that would meet another's markets is shifted by as many.
SET_SIZE = 20_000
EXPERIMENTS_SHIFT = 2 * SET_SIZE
HARD_SHIFT = 3 * SET_SIZE
