"""Secrets show neither in settings nor in logs."""

from __future__ import annotations

import logging
import sys

import pytest

from segue.api_keys import new_key, prefix_of
from segue.logs import KeyValueFormatter, fields, redacted
from segue.settings import Settings

SECRET = "s3cr3t-word"


def test_settings_show_no_secret() -> None:
    settings = Settings(
        postgres_url=f"postgresql://segue:{SECRET}@db/segue",
        redis_url=f"redis://:{SECRET}@cache/0",
        api_token_keys=f"a:{SECRET}",
        snapshots_url=f"s3://id:{SECRET}@bucket/models",
        catalogue=f"https://me:{SECRET}@example.org/tracks.csv",
    )
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert "s3://id:***@bucket/models" in repr(settings)
    assert settings.snapshots() == f"s3://id:{SECRET}@bucket/models"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cannot reach redis://:{SECRET}@cache:6379/0", "cannot reach redis://:***@cache:6379/0"),
        (f"postgresql://u:{SECRET}@h/d and amqp://v:{SECRET}@i", "postgresql://u:***@h/d and amqp://v:***@i"),
        (f"Authorization: Bearer {SECRET}", "Authorization: Bearer ***"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln was sent", "token *** was sent"),
        ("http://127.0.0.1:8000/docs?at=a@b:c", "http://127.0.0.1:8000/docs?at=a@b:c"),
        ("the bearer waits; topic=users partition=3", "the bearer waits; topic=users partition=3"),
    ],
)
def test_what_is_struck_out_and_what_is_not(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_key_keeps_the_prefix_by_which_it_can_be_revoked() -> None:
    key = new_key()
    assert redacted(f"key={key}") == f"key=segue_{prefix_of(key)}_***"


def test_logs_show_no_secret_in_message_fields_or_exception() -> None:
    try:
        raise OSError(f"no answer from redis://:{SECRET}@cache")
    except OSError:
        caught = sys.exc_info()
    extra = fields(url=f"redis://:{SECRET}@cache")["fields"]
    record = logging.LogRecord("segue", logging.ERROR, __file__, 1, f"lost redis://:{SECRET}@cache", None, caught)
    record.fields = extra
    line = KeyValueFormatter().format(record)
    assert SECRET not in line
    assert line.count(":***@cache") == 4
