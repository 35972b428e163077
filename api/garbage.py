"""What lives long is kept out of the garbage collector's sight: it would walk every track while all requests wait.

With 30,000 tracks a full collection stops the process for 40 ms and more, and answering makes one due again and again.
"""

from __future__ import annotations

import gc

MANY = 1_000
"""Changes of the catalogue at once that are worth a call."""
YOUNG = 1
"""The oldest generation of the collector that is always small: 0.2 ms."""


def keep_for_good() -> None:
    """Do not look at what is there now again, also when it has become garbage: counting references must free it.

    What is young is collected first, some thousand objects: requests leave cycles, and those of every refit would stay. Nothing
    older is, since that is the walk that is to be avoided; so cycles must not hold what is large
    (tests/unit/api/test_garbage.py).
    """
    gc.collect(YOUNG)
    gc.freeze()
