"""What ReccoBeats answers, made into features; nothing in it is believed before it is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from producers.ingestion.contract import Rejected
from segue.errors import InvalidEvent, Unavailable
from segue.events import AudioFeatures
from segue.record_checks import check_features

SPOTIFY_ID, ISRC = "[0-9A-Za-z]{22}", "[A-Z]{2}[0-9A-Z]{3}[0-9]{7}"
ASKABLE = f"{SPOTIFY_ID}|{ISRC}"
"""Ids that it can be asked for."""
MAX_PAUSE_S = 7 * 86_400.0
"""A longer pause is none that anybody would keep: it is asked again after this one."""

_is_isrc = re.compile(ISRC).fullmatch


class _Content(msgspec.Struct):
    content: list[Any]


@dataclass(frozen=True)
class Told:
    """Features by the id that was asked for; ids that are missing are not known. `rejected`: what is no audio feature."""

    found: dict[str, AudioFeatures]
    rejected: list[Rejected]


def read_answer(raw: bytes, asked: Sequence[str]) -> Told:
    """What is said of the ids that were asked for; the rest is left out. Raises Unavailable for what is no answer.

    A track is the one whose id its address ends with: the order says nothing, and unknown tracks are left out of it. An ISRC may
    be answered several times, once for each release; the first counts.
    """
    try:
        entries = msgspec.json.decode(raw, type=_Content).content
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unavailable("ReccoBeats answers what is no list of audio features: try again later") from None
    told, wanted = Told({}, []), set(asked)
    for entry in entries:
        track_id = _id_of(entry, wanted)
        if track_id is None or track_id in told.found:
            continue
        try:
            told.found[track_id] = _features(entry)
        except InvalidEvent as error:
            told.rejected.append(Rejected(error.code, f"ReccoBeats, track {track_id}", str(error)))
    return told


def retry_after_s(text: str | None, now_s: float) -> float | None:
    """Seconds from now of a Retry-After header, as a number or a date; None where it says nothing."""
    if not text:
        return None
    try:
        seconds = float(text) if text.strip().isdecimal() else _date_s(text) - now_s
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_PAUSE_S)


def _id_of(entry: Any, wanted: set[str]) -> str | None:
    if not isinstance(entry, dict):
        return None
    said = (_last_segment(entry.get("href")), entry.get("isrc"))
    return next((one for one in said if isinstance(one, str) and one in wanted and (one != said[1] or _is_isrc(one))), None)


def _last_segment(href: object) -> str | None:
    if not isinstance(href, str):
        return None
    try:
        return urlsplit(href).path.rstrip("/").rsplit("/", 1)[-1]
    except ValueError:
        return None


def _features(entry: Mapping[str, Any]) -> AudioFeatures:
    """Raises InvalidEvent."""
    try:
        features = msgspec.convert(entry, AudioFeatures)
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"audio features cannot be read: {error}", "bad_features") from None
    check_features(features)
    return features


def _date_s(text: str) -> float:
    date = parsedate_to_datetime(text)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
