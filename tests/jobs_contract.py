"""What every place that remembers imports must do; run against files and against Postgres."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from segue.errors import Fenced, JobBusy
from segue.ingest_jobs import Counts, Job, JobKey, Jobs

KEY = JobKey("mpd", "f1", "alice")


def begin(jobs: Jobs, key: JobKey = KEY, restart: bool = False) -> Job:
    return jobs.begin(key, "slices.zip", "segue ingest mpd slices.zip", restart)


class JobsContract:
    """Subclasses provide the fixture `jobs`, which keeps 3."""

    def test_a_new_job_has_no_position(self, jobs: Jobs) -> None:
        job = begin(jobs)
        assert (job.position, job.status, job.attempts, job.counts) == (None, "running", 1, Counts())
        assert jobs.find(KEY.job_id) == job

    def test_what_is_saved_is_found_by_the_next_run(self, jobs: Jobs) -> None:
        counts = Counts(7, {"tracks": 5}, {"no_title": 2}, {"podcast": 1})
        jobs.save(msgspec.structs.replace(begin(jobs), position={"row": 7, "file": "ü.json"}, counts=counts))
        again = begin(jobs)
        assert (again.position, again.counts, again.attempts) == ({"row": 7, "file": "ü.json"}, counts, 2)

    def test_a_restart_forgets_position_and_counts(self, jobs: Jobs) -> None:
        jobs.save(msgspec.structs.replace(begin(jobs), position={"row": 7}, counts=Counts(7)))
        again = begin(jobs, restart=True)
        assert (again.position, again.counts, again.attempts) == (None, Counts(), 2)

    def test_another_input_or_listener_is_another_job(self, jobs: Jobs) -> None:
        jobs.save(msgspec.structs.replace(begin(jobs), position={"row": 7}))
        assert begin(jobs, JobKey("mpd", "f2", "alice")).position is None
        assert begin(jobs, JobKey("mpd", "f1", "bob")).position is None
        assert begin(jobs, JobKey("mpd", "f1")).position is None

    def test_a_run_that_was_overtaken_cannot_move_the_position(self, jobs: Jobs) -> None:
        first, _second = begin(jobs), begin(jobs)
        with pytest.raises(Fenced):
            jobs.save(msgspec.structs.replace(first, position={"row": 1}))
        found = jobs.find(KEY.job_id)
        assert found
        assert found.position is None

    def test_one_run_at_a_time_holds_a_job(self, jobs: Jobs) -> None:
        with jobs.hold(KEY.job_id):
            with pytest.raises(JobBusy, match="another run of the import"), jobs.hold(KEY.job_id):
                pass
            with jobs.hold("another"):
                pass
        with jobs.hold(KEY.job_id):
            pass

    def test_a_job_that_nobody_holds_was_killed(self, jobs: Jobs) -> None:
        begin(jobs)
        with jobs.hold(KEY.job_id):
            assert [job.status for job in jobs.newest()] == ["running"]
        assert [job.status for job in jobs.newest()] == ["stopped"]

    def test_why_it_ended_is_kept_until_the_next_run(self, jobs: Jobs) -> None:
        later = datetime(2026, 11, 27, 3, tzinfo=UTC)
        jobs.save(msgspec.structs.replace(begin(jobs), status="waiting", reason="quota", not_before=later))
        (waiting,) = jobs.newest()
        assert (waiting.status, waiting.reason, waiting.not_before, waiting.finished_at) == ("waiting", "quota", later, None)
        begun = begin(jobs)
        assert (begun.status, begun.reason, begun.not_before) == ("running", None, None)

    def test_a_job_that_is_done_has_an_end(self, jobs: Jobs) -> None:
        jobs.save(msgspec.structs.replace(begin(jobs), status="done"))
        (done,) = jobs.newest()
        assert done.finished_at is not None

    def test_the_last_one_changed_comes_first_and_the_oldest_that_ended_are_forgotten(self, jobs: Jobs) -> None:
        unfinished = begin(jobs, JobKey("mpd", "unfinished"))
        for number in range(5):
            status = "done" if number % 2 else "failed"
            jobs.save(msgspec.structs.replace(begin(jobs, JobKey("mpd", f"f{number}")), status=status))
        kept = [job.fingerprint for job in jobs.newest()]
        assert kept[:3] == ["f4", "f3", "f2"]
        assert unfinished.fingerprint in kept
        assert "f0" not in kept

    def test_jobs_of_a_source_are_forgotten(self, jobs: Jobs) -> None:
        begin(jobs, JobKey("lastfm", "f1"))
        begin(jobs, JobKey("mpd", "f1"))
        jobs.forget(["lastfm", "spotify-saved"])
        assert [job.source for job in jobs.newest()] == ["mpd"]

    def test_only_old_jobs_are_forgotten_where_a_time_is_given(self, jobs: Jobs) -> None:
        job = begin(jobs, JobKey("lastfm", "f1"))
        jobs.forget(["lastfm"], job.updated_at)
        assert [job.source for job in jobs.newest()] == ["lastfm"]
        jobs.forget(["lastfm"], job.updated_at + timedelta(seconds=1))
        assert jobs.newest() == []

    def test_a_run_whose_job_was_forgotten_may_not_go_on(self, jobs: Jobs) -> None:
        job = begin(jobs)
        jobs.forget([job.source])
        with pytest.raises(Fenced):
            jobs.save(job)
