"""What is wrong with a Postgres URL is said without the URL: it holds a password."""

from __future__ import annotations

import pytest

from segue.errors import ConfigurationError
from segue.stores.postgres.database import Database


@pytest.mark.parametrize("rest", ["bob:hush%zz@localhost/segue", "bob:hush/hush@localhost/segue", "bob@localhost:hush/segue"])
def test_a_url_that_cannot_be_read_is_refused_without_being_quoted(rest: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Database(f"postgresql://{rest}")
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("rest", ["bob:hush%2Fhush@localhost:5432/segue", "one:1,two:2/segue", "/segue?host=/tmp", "localhost"])
def test_every_form_of_a_good_url_is_taken(rest: str) -> None:
    Database(f"postgresql://{rest}")
