"""The one typed Settings: environment variables `SEGUE_…`, then `.env`, then what `segue up` wrote for its state directory.

Every bound (history length, queue, cache, batch) is a field here, with its unit in the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.errors import ConfigurationError
from segue.logs import redacted

STACK_ENV = "stack.env"
"""File in the state directory in which `segue up` notes the addresses and passwords of the servers it runs (mode 0600)."""


class Settings(BaseSettings):
    """All settings of all processes. Build it with `load_settings()`, once per process, in its composition root."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_", extra="ignore", frozen=True)

    state_dir: Path = Path(".segue")
    """Data of the local servers, logs, snapshots, generated passwords."""
    catalogue: str | None = None
    """Path or URL of the demo's catalogue CSV, plain or gz. Unset: the public TidyTuesday file."""

    kafka_bootstrap: str | None = None
    postgres_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    snapshots_url: str | None = None
    """fsspec URL of the model snapshots. Unset: `<state_dir>/snapshots`."""

    kafka_group: str = "segue"
    kafka_partitions: int = Field(8, ge=1, le=4096)
    """Partitions of each topic when it is created."""
    redis_buckets: int = Field(8, ge=1, le=4096)
    """Hash-tag buckets of the live state; fixed when the state is created. The partition count must divide it."""

    half_life_days: float = Field(60.0, ge=7, le=36_500)
    """Half-life of a play's weight; fixed when the state is created."""
    listener_row_tracks: int = Field(1_000, ge=10, le=100_000)
    """Tracks kept in a listener's live row: the heaviest. Postgres keeps all."""
    listener_row_ttl_days: int = Field(30, ge=1)
    """A live row unused for this long leaves Redis; it is rebuilt from Postgres when needed."""

    batch_events: int = Field(2_000, ge=1, le=50_000)
    """Most events in one write transaction."""
    batch_records: int = Field(2_000, ge=1, le=50_000)
    """Kafka records taken at once: about this many, twice as many at most."""
    batch_bytes: int = Field(16_000_000, ge=100_000)
    """Bytes of Kafka records taken at once: about this many, twice as many or one record more at most."""
    buffered_runs: int = Field(16, ge=4, le=10_000)
    """Runs of one topic (see stream_processors/runs.py) that wait for their turn, for instance while a store is away; past three
    quarters of it their partitions are not fetched."""
    batch_within_ms: float = Field(5.0, gt=0)
    """How long a batch of listening events waits to fill."""
    table_within_ms: float = Field(50.0, gt=0)
    """How long a batch of catalogue, playlist or user records waits to fill: nobody waits for these as for a play."""
    stalled_after_s: float = Field(60.0, gt=0)
    """A worker that has work and does none for this long, though no store keeps it waiting, ends itself. Under 50 s a Postgres
    that was stopped is taken for a worker that hangs."""
    id_cache_entries: int = Field(200_000, ge=1_000)
    """Ids whose dense numbers a worker remembers, for users and tracks each."""

    trainer_engine: Literal["local", "spark"] = "local"
    train_interval_s: float = Field(300.0, gt=0)
    train_min_events: int = Field(1_000, ge=0)
    """New events since the last refit before the periodic trainer refits again."""
    train_held_out: float = Field(0.1, ge=0.01, le=0.5)
    """Share of the newest listens that judge a model. Fewer judge less surely; more say less of what serves, which knows them."""
    train_judged_listeners: int = Field(2_000, ge=100)
    """Listeners in the judgement at most: their number is its time, and its error falls with the root of it."""
    train_listens_at_once: int = Field(500_000, ge=10_000)
    """Listens that the trainer holds while it counts what is played after what: with their pairs 150 MB for half a million."""
    snapshots_kept: int = Field(5, ge=1)

    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=0, le=65_535)
    api_poll_s: float = Field(0.5, gt=0)
    """How often the API looks for a newer model and for changed tracks."""
    api_event_poll_ms: float = Field(10.0, gt=0, le=1_000)
    """How often the API looks for the events that requests wait for (`min_event_id`); all of them share one query."""
    api_event_wait_ms: int = Field(1_000, ge=0, le=30_000)
    """How long a request waits for its event where it does not say so."""
    api_event_wait_max_ms: int = Field(10_000, ge=0, le=30_000)
    """How long a request may ask to wait for its event."""
    trending_tracks: int = Field(10_000, ge=100, le=1_000_000)
    """Tracks of a chart: those with most listeners."""
    trending_share: float = Field(0.05, gt=0, le=1)
    """Share of the time that counting one span for charts may take of one core of Postgres, in each API process."""
    api_keys_required: bool = False
    """Ask every request but health and documentation for a key (`segue keys create`) or a listener's token."""
    api_open: bool = False
    """Without keys, listen even on addresses that other machines reach."""
    api_allowed_hosts: str = ""
    """Names in the Host header of requests, apart by commas; `*`: all. Loopback names always do. Empty: only these, or all where
    keys are required or `SEGUE_API_OPEN` is set."""
    api_key_cache_s: float = Field(5.0, gt=0, le=300)
    """How long a key that was looked up counts as looked up: a revocation takes effect within it."""
    api_key_stale_s: float = Field(300.0, ge=0, le=86_400)
    """How long a key that was valid when last looked up stays so while Postgres is away."""
    api_key_cache_entries: int = Field(10_000, ge=100)
    """Keys remembered by a process, and as many wrong ones."""
    api_token_keys: SecretStr | None = None
    """Signing secrets of listener tokens, `id:secret[,id:secret]`: the first signs, all are accepted. Unset: no tokens."""
    api_token_max_s: int = Field(86_400, ge=60, le=31_536_000)
    """Longest life of a listener's token, and its life where none is asked for."""
    api_key_rate_per_s: float = Field(100.0, ge=0)
    """Requests a second of one key, in all API processes together; 0: no limit."""
    api_key_burst: int = Field(200, ge=1)
    """Requests that a key may make at once after a pause."""
    api_client_rate_per_s: float = Field(20.0, ge=0)
    """Requests a second of one listener's token, or of one client address that shows no valid key; 0: no limit. Without keys,
    requests from this machine itself are not limited."""
    api_client_burst: int = Field(40, ge=1)
    """Requests that a listener or an address may make at once after a pause."""
    api_rate_buckets: int = Field(10_000, ge=100)
    """Callers whose requests a process counts by itself while Redis is away."""
    api_max_connections: int = Field(2_000, ge=1)
    """Open connections of one API process; at one more, the one that is idle longest is closed. Fewer where the limit of open
    files is lower."""
    api_head_timeout_s: float = Field(10.0, gt=0)
    """How long a client may take for the head of a request, and to begin one after it connected."""
    api_body_timeout_s: float = Field(15.0, gt=0)
    """How long a client may take for the body of a request."""
    api_request_timeout_s: float = Field(30.0, gt=0)
    """How long a request may take until its answer begins; an export as Parquet, until its next part is made."""
    api_write_timeout_s: float = Field(30.0, gt=0)
    """How long a client may leave its answer unread."""
    api_max_head_bytes: int = Field(16_384, ge=1_024)
    """Bytes of a request's headers."""
    api_max_url_bytes: int = Field(65_536, ge=1_024)
    """Bytes of a request's URL."""
    api_max_json_depth: int = Field(32, ge=4, le=200)
    """Arrays and objects within each other in a body."""
    api_cors_origins: str = ""
    """Origins whose pages may ask, apart by commas, such as `https://radio.example`; `*`: all. Empty: none."""
    api_trusted_proxies: str = "127.0.0.1,::1"
    """Addresses whose X-Forwarded-For and X-Forwarded-Proto are believed, apart by commas."""
    api_tls_certificate: Path | None = None
    """PEM file with the certificate chain; with it, the API speaks HTTPS."""
    api_tls_key: Path | None = None
    """PEM file with the certificate's key."""
    max_body_bytes: int = Field(1_000_000, ge=1_000)
    max_batch_events: int = Field(1_000, ge=1)
    """Events in one POST /events."""
    api_exports: int = Field(2, ge=1, le=50)
    """Exports of users' data at once of one API process; each holds a connection to Postgres until its client has read it."""
    api_queue_records: int = Field(20_000, ge=100)
    """Kafka records that the API holds until they are acknowledged; past this POST /events answers 503."""
    listenbrainz_new_tracks_per_day: int = Field(5_000, ge=0)
    """Songs that the catalogue lacks and learns from the listens of one listener in a day; further ones wait without a name."""
    listenbrainz_tracks: int = Field(100_000, ge=0)
    """Tracks of the catalogue that were learned from listens, of everybody together."""
    listenbrainz_recordings: int = Field(1_000, ge=1)
    """Recordings of one listener whose MusicBrainz ids are remembered, so that feedback finds their tracks: the newest."""
    listenbrainz_playing_now_s: int = Field(600, ge=1)
    """How long what a listener is playing is shown, where the player does not say how long it lasts."""
    listenbrainz_playing_now_max_s: int = Field(7_200, ge=1)
    """How long it is shown at most."""
    listenbrainz_weekly_tracks: int = Field(50, ge=1, le=250)
    """Tracks of each list that Segue makes for a listener in a week."""
    listenbrainz_weekly_events: int = Field(10, ge=1)
    """Events of a listener before any list is made: one that was made of fewer would stand for a week."""
    listenbrainz_weeks: int = Field(2, ge=1, le=52)
    """Weeks whose lists are kept, this one included."""
    listenbrainz_max_body_bytes: int = Field(10_240_000, ge=10_240)
    """Bytes of one POST /1/submit-listens: 1,000 listens of 10 kB, as listenbrainz.org has it."""
    ingest_max_line_bytes: int = Field(1_000_000, ge=1_000)
    """Bytes of one line, or of one element of a JSON array, of an imported file; a longer one is rejected."""
    ingest_files: int = Field(20_000, ge=1)
    """Files of an imported folder, and of one archive."""
    ingest_archive_bytes: int = Field(20_000_000_000, ge=1_000_000)
    """Bytes of an imported archive when it is unpacked (it is read as a stream, never written to disk)."""
    ingest_archive_ratio: int = Field(200, ge=2)
    """How many times larger than itself an archive, or a file in it, may become when it is unpacked."""
    api_playlist_tracks: int = Field(5_000, ge=1, le=10_000)
    """Tracks of a playlist that is made or changed over the API."""
    api_playlists_per_listener: int = Field(1_000, ge=1)
    """Playlists that a listener may make over the API."""
    api_playlist_wait_s: float = Field(2.0, ge=0, le=20)
    """How long a change of a playlist waits for the one before it, and then for the processors to have it stored."""
    api_profile_wait_s: float = Field(2.0, ge=0, le=20)
    """How long a change of a profile waits for the processors to have it stored."""
    tracing: bool = False
    """Send traces to an OpenTelemetry collector, as the standard OTEL_ variables say: see docs/guide/tracing.md."""
    spotify_client_id: str | None = Field(None, pattern=r"^[0-9A-Za-z]{1,64}$")
    """Client ID of your application in Spotify's dashboard."""
    spotify_client_secret: SecretStr | None = None
    """Its secret: only for asking the catalogue without a login."""
    spotify_market: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    """Two letters of your country, such as `DE`: without one, Spotify says of most tracks that they are not available."""
    spotify_redirect_port: int = Field(8888, ge=1024, le=65_535)
    """Port on 127.0.0.1 to which Spotify sends the browser after the login; the redirect URI is
    `http://127.0.0.1:<port>/callback`."""
    spotify_requests_per_day: int = Field(800, ge=1, le=100_000)
    """Requests within any 24 hours, of all commands of this state directory together. Spotify publishes no number; about 1,100
    were measured until it refuses for most of a day."""
    spotify_requests_per_s: float = Field(1.0, gt=0, le=20)
    spotify_timeout_s: float = Field(15.0, gt=0, le=300)
    """How long an answer of Spotify may take."""
    spotify_wait_max_s: float = Field(60.0, ge=0, le=600)
    """Pauses that Spotify asks for are waited out up to this length, twice for a request; for a longer one the command ends."""
    spotify_retention_days: int = Field(30, ge=1, le=3_650)
    """Tracks and playlists that only Spotify's API brought are deleted or fetched again when they are older."""
    spotify_training: bool = False
    """Learn from what Spotify's API brought too. Spotify's terms forbid it: see docs/guide/spotify.md."""
    spotify_api_url: str = "https://api.spotify.com/v1/"
    spotify_accounts_url: str = "https://accounts.spotify.com"
    reccobeats: bool = False
    """Ask ReccoBeats for audio features in `segue ingest features`: ids of your tracks are sent to its server."""
    reccobeats_url: str = "https://api.reccobeats.com"
    reccobeats_requests_per_day: int = Field(2_000, ge=1, le=100_000)
    """Requests within any 24 hours, up to 40 tracks each; the service publishes no number."""
    reccobeats_requests_per_s: float = Field(1.0, gt=0, le=20)
    reccobeats_timeout_s: float = Field(15.0, gt=0, le=300)
    """How long a whole answer may take."""
    reccobeats_wait_max_s: float = Field(60.0, ge=0, le=600)
    """Pauses that it asks for are waited out up to this length, twice for a request; for a longer one the command ends."""
    features_unknown_days: int = Field(30, ge=1, le=3_650)
    """A track that a service does not know is not asked for again for as long."""
    features_kept_days: int = Field(365, ge=1, le=3_650)
    """How long a service's answers are kept, so that they need not be asked for again."""
    features_overlap_tracks: int = Field(400, ge=20, le=100_000)
    """Tracks known to both that a source of audio features is compared by, before anything of it is published."""
    ingest_patience_s: float = Field(60.0, gt=0)
    """How long an import waits for Kafka to take a page, and for Postgres to come back, before it stops."""
    ingest_jobs_kept: int = Field(1_000, ge=1)
    """Imports that are remembered: past it, the oldest that have ended are forgotten."""
    ingest_rejected_kept: int = Field(10_000, ge=1)
    """Rejected rows of one import that its file lists; all are counted."""
    api_url: str | None = None
    """Address of the API that the listening room asks. Unset: the one of this machine, at SEGUE_API_PORT."""
    ui_host: str = "127.0.0.1"
    """Address that the listening room listens on."""
    ui_port: int = Field(8501, ge=1, le=65_535)
    ui_key: SecretStr | None = None
    """Key or listener's token with which the listening room asks, for everybody who reaches it. Unset: where the API wants one,
    each visitor is asked for theirs."""
    ui_open: bool = False
    """Let the listening room listen on addresses that other machines reach: it asks nobody who they are."""
    ui_allowed_hosts: str = ""
    """Names under which browsers reach the listening room, apart by commas. Loopback names always do."""
    ui_timeout_s: float = Field(10.0, gt=0)
    """How long a page waits for an answer of the API."""
    ui_station_tracks: int = Field(100, ge=1, le=200)
    """Tracks that a station remembers, the newest: what it goes on from, and what it does not repeat."""
    metrics_port: int = Field(0, ge=0, le=65_535)
    """Prometheus port of a worker; 0 turns it off."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("spotify_client_id", "spotify_client_secret", "spotify_market", mode="before")
    @classmethod
    def _missing_if_empty(cls, value: object) -> object:
        """Environment files and containers set what nobody has chosen to nothing."""
        return value or None

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """What `repr` shows: no password, also where a URL that need not be secret has one."""
        for name, value in super().__repr_args__():
            yield name, redacted(value) if isinstance(value, str) else value

    def require_kafka(self) -> str:
        """Bootstrap servers, `host:port[,host:port]`. Raises ConfigurationError when unset."""
        return self.kafka_bootstrap or _missing("SEGUE_KAFKA_BOOTSTRAP")

    def require_postgres(self) -> str:
        """libpq URL with its password. Raises ConfigurationError when unset."""
        return self.postgres_url.get_secret_value() if self.postgres_url else _missing("SEGUE_POSTGRES_URL")

    def require_redis(self) -> str:
        """redis:// URL with its password. Raises ConfigurationError when unset."""
        return self.redis_url.get_secret_value() if self.redis_url else _missing("SEGUE_REDIS_URL")

    def require_spotify_client_id(self) -> str:
        """Raises ConfigurationError when unset."""
        if self.spotify_client_id is None:
            raise ConfigurationError(
                "SEGUE_SPOTIFY_CLIENT_ID is not set: make an application at https://developer.spotify.com/dashboard with the "
                f"redirect URI http://127.0.0.1:{self.spotify_redirect_port}/callback and copy its Client ID"
            )
        return self.spotify_client_id

    def require_spotify_market(self) -> str:
        """Raises ConfigurationError when unset."""
        if self.spotify_market is None:
            raise ConfigurationError("SEGUE_SPOTIFY_MARKET is not set: the two letters of your country, such as DE")
        return self.spotify_market

    def api_address(self) -> str:
        """Where clients on this machine find the API."""
        scheme = "https" if self.api_tls_certificate else "http"
        return self.api_url or f"{scheme}://127.0.0.1:{self.api_port}"

    def snapshots(self) -> str:
        """Where model snapshots live, as an fsspec URL or a path."""
        return self.snapshots_url or str(self.state_dir.resolve() / "snapshots")


def load_settings() -> Settings:
    """Read the settings. Raises ConfigurationError that names the wrong variable and never prints a secret."""
    return _load(load_external_settings().state_dir / STACK_ENV, Path(".env"))


def load_external_settings() -> Settings:
    """The settings without what `segue up` wrote: an address found here belongs to a server that somebody else runs."""
    return _load(Path(".env"))


def _load(*files: Path) -> Settings:
    try:
        return Settings(_env_file=files)
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = [f"SEGUE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
    return "; ".join(lines)


def _missing(variable: str) -> str:
    raise ConfigurationError(f"{variable} is not set and no local stack runs: start one with `segue up` or set it")
