"""What several modules of integration tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.stack import LocalStack


@pytest.fixture(scope="module")
def processor(stack: LocalStack) -> Iterator[LocalStack]:
    """The stack with one running processor, for a module's tests."""
    stack.start("process-1")
    yield stack
    stack.stop("process-1")
