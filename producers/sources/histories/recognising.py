"""What a path holds: which of its files are of a history, and of whose."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from producers.ingestion.contract import Rejected
from producers.reading.bounds import Bounds
from producers.reading.members import Member, find_members
from producers.reading.streams import Text
from producers.sources.histories.kinds import SERVICES, Kind, Service, kind_of
from segue.errors import InvalidFile, InvalidInput

HEAD_BYTES = 65_536
SHOWN_FILES = 8
FINGERPRINT_HEADS = 20
"""Files of a folder whose beginning is part of the fingerprint; of all it has names, sizes and times."""

_ORDER = {"spotify-extended": 0, "listenbrainz-listens": 0, "listenbrainz-array": 0}
"""What names tracks best comes first; what is said of recordings comes after they were heard."""


@dataclass(frozen=True)
class Recognised:
    """A file and what it is; `encoding` where it is not UTF-8."""

    member: Member
    kind: Kind
    encoding: str


@dataclass
class Recognition:
    """What a path holds: files of histories, others, and those that cannot be read."""

    files: list[Recognised] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    """Name, and what it looks like."""
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def services(self) -> list[Service]:
        """Whose histories these are."""
        return sorted({one.kind.service for one in self.files}, key=SERVICES.index)

    @property
    def name(self) -> str:
        """The kind of source: `spotify-history`."""
        return f"{'-'.join(self.services)}-history"

    def described(self) -> list[str]:
        """What was found, for people: one line for each kind of file, then what was read in another encoding."""
        kinds: dict[str, int] = {}
        for one in self.files:
            kinds[one.kind.label] = kinds.get(one.kind.label, 0) + 1
        lines = [f"{label}: {_files(count)}" for label, count in kinds.items()]
        lines += [f"{one.member.name} is read as {one.encoding}" for one in self.files if one.encoding != "utf-8"]
        return lines + ([f"other files, not looked into: {len(self.others):,}"] if self.others else [])


def recognise(path: Path, bounds: Bounds, service: Service | None = None) -> Recognition:
    """What is in a path, of one service if that is asked for.

    Raises NotFound, InvalidFile, or InvalidInput that says what each file looks like if none is of a history.
    """
    found = find_members(path, bounds)
    known = Recognition(rejected=list(found.rejected))
    for member in found.members:
        _recognise(member, service, known)
    if not known.files:
        raise InvalidInput(_nothing_found(path, service, known), "unknown_history")
    known.files.sort(key=lambda one: _ORDER.get(one.kind.shape, 1))
    return known


def fingerprint_of(recognition: Recognition, listener: str) -> str:
    """Tells an input from a changed one, and from the same of another listener."""
    digest = hashlib.sha256(listener.encode())
    for number, one in enumerate(recognition.files):
        member = one.member
        digest.update(f"\0{one.kind.shape}\0{member.name}\0{member.size}\0{member.modified_at}".encode())
        if number < FINGERPRINT_HEADS:
            with closing(Text(member.open())) as text:
                digest.update(text.read(HEAD_BYTES))
    return digest.hexdigest()


def _files(count: int) -> str:
    return f"{count:,} file{'s' * (count > 1)}"


def _recognise(member: Member, service: Service | None, known: Recognition) -> None:
    try:
        with closing(Text(member.open())) as text:
            kind, encoding = kind_of(text.read(HEAD_BYTES), member.name), text.encoding
    except InvalidFile as error:
        known.rejected.append(Rejected(error.code, member.name, str(error)))
        return
    if isinstance(kind, str):
        known.others.append((member.name, kind))
    elif service is not None and kind.service != service:
        known.others.append((member.name, f"is {kind.label}"))
    else:
        known.files.append(Recognised(member, kind, encoding))


def _nothing_found(path: Path, service: Service | None, known: Recognition) -> str:
    wanted = f"a history of {service}" if service else "a history of Spotify, ListenBrainz or Last.fm"
    seen = [f"{name} {looks}" for name, looks in known.others]
    seen += [f"{one.where}: {one.reason}" for one in known.rejected]
    shown = "; ".join(seen[:SHOWN_FILES]) or "there are no files"
    more = f"; and {len(seen) - SHOWN_FILES:,} more" if len(seen) > SHOWN_FILES else ""
    return f"{path.name} is not {wanted}: {shown}{more}. Give the export as it was downloaded, unpacked or not"
