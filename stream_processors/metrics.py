"""Prometheus metrics of a worker; served on SEGUE_METRICS_PORT."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

EVENTS_WRITTEN = Counter("segue_events_written_total", "Events and records stored for the first time", ["topic"])
EVENTS_DUPLICATE = Counter("segue_events_duplicate_total", "Events dropped because their event_id was stored before")
EVENTS_REFUSED = Counter("segue_events_refused_total", "Events and playlists of deleted users")
EVENTS_MISROUTED = Counter("segue_events_misrouted_total", "Events sent on to the partition that their user hashes to")
RECORDS_SKIPPED = Counter("segue_records_skipped_total", "Redelivered records below the high-water mark", ["topic"])
RECORDS_LOST = Counter("segue_records_expired_total", "Records that left the log before they were stored", ["topic"])
LOGS_REPLACED = Counter(
    "segue_logs_replaced_total", "Partitions whose log was replaced or cut back, and was read from its start", ["topic"]
)
DEAD_LETTERS = Counter("segue_dead_letters_total", "Events and records sent to the dead letters", ["code"])
REPAIRS = Counter("segue_redis_repairs_total", "Partitions whose rows in Redis were brought up to Postgres's mark")
ROWS_FILLED = Counter("segue_redis_rows_filled_total", "Rows rebuilt from Postgres because Redis had none")
CELLS_TRIMMED = Counter("segue_redis_cells_trimmed_total", "Cells dropped from rows over their bound")
FENCED = Counter("segue_fenced_batches_total", "Batches dropped because another worker had moved the partition")
STORE_WAITS = Counter("segue_store_waits_total", "Tries that found a store unavailable", ["service"])
REBALANCES = Counter("segue_rebalances_total", "Partition assignments received")
BATCH_EVENTS = Histogram(
    "segue_batch_events", "Events in one write", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 20_000)
)
STAGE_SECONDS = Histogram("segue_batch_stage_seconds", "Wall time of one stage of one batch", ["stage"], buckets=_SECONDS)
EVENT_TO_STATE_SECONDS = Histogram(
    "segue_event_to_state_seconds", "From the broker's append to the row visible in Redis, by record", buckets=_SECONDS
)
CONSUMER_LAG = Gauge("segue_consumer_lag", "Records of an assigned partition not yet stored", ["topic", "partition"])
BUFFERED_RUNS = Gauge("segue_buffered_runs", "Runs of records fetched and not yet taken, when a batch was last taken", ["topic"])
CACHED_IDS = Gauge("segue_cached_ids", "Ids whose numbers are remembered", ["kind"])
