"""Structured logs: one line of `key=value` pairs each, to stderr."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_context: ContextVar[Mapping[str, str]] = ContextVar("segue_log_context", default=_NOTHING)
_SECRETS = [
    (re.compile(r"(?<=://)([^\s:/@?#]*):[^\s/@]+@"), r"\1:***@"),
    (re.compile(r"(segue_[0-9a-f]{12}_)[A-Za-z0-9_-]{43}"), r"\1***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "***"),
    (re.compile(r"(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]{8,}"), r"\1 ***"),
]


class KeyValueFormatter(logging.Formatter):
    """`time=… level=… logger=… msg="…"` and whatever was passed as `extra={"fields": {…}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, exceptions folded behind it."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        pairs = {
            "time": f"{when}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        pairs |= {"msg": record.getMessage(), **_context.get()} | getattr(record, "fields", {})
        line = " ".join(f"{key}={_quoted(value)}" for key, value in pairs.items())
        return redacted(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)


def redacted(text: str) -> str:
    """The text with passwords of URLs, API keys and tokens struck out; a key keeps its prefix, by which it can be revoked."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def configure_logging(level: str) -> None:
    """Send all loggers to stderr in this format; call once per process."""
    handler = logging.StreamHandler()
    handler.setFormatter(KeyValueFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # spotipy prints Authorization headers at DEBUG; aiokafka and urllib3 drown everything else there.
    for noisy in ("spotipy", "urllib3", "aiokafka", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.INFO, logging.getLevelName(level)))


@contextmanager
def in_logs(**pairs: str) -> Iterator[None]:
    """Have every line that is logged inside, in tasks begun there too, carry these: the id of a request, of a trace."""
    token = _context.set({**_context.get(), **pairs})
    try:
        yield
    finally:
        _context.reset(token)


def fields(**pairs: object) -> dict[str, dict[str, object]]:
    """`log.info("batch written", extra=fields(topic=…, partition=…, offset=…))`."""
    return {"fields": pairs}


def _quoted(value: object) -> str:
    text = str(value)
    needs_quotes = not text or any(c in text for c in ' "=\n\r\t')
    return repr(text) if needs_quotes else text
