"""Work beside a thread that waits: done once, by whoever gets to it, wherever it fails."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from index.beside import Beside

PATIENCE = 60


def name() -> str:
    return threading.current_thread().name


def test_a_started_job_is_done_by_the_other_thread() -> None:
    done = threading.Event()

    def work() -> str:
        done.set()
        return name()

    job = Beside().job(work)
    job.start()
    assert done.wait(PATIENCE)
    assert job.result() == "beside"


def test_a_job_that_nobody_started_is_done_where_its_result_is_needed() -> None:
    assert Beside().job(name).result() == name()


def test_nobody_waits_for_the_job_of_somebody_else() -> None:
    beside, begun, end = Beside(), threading.Event(), threading.Event()

    def long() -> bool:
        begun.set()
        return end.wait(PATIENCE)

    others, own = beside.job(long), beside.job(name)
    others.start()
    assert begun.wait(PATIENCE)
    own.start()
    assert own.result() == name()
    end.set()
    assert others.result()


def test_work_is_done_once_however_many_jobs_there_are() -> None:
    beside, done = Beside(), []
    jobs = [beside.job(lambda number=number: done.append(number)) for number in range(300)]

    def ask(at: int) -> None:
        jobs[at].start()
        jobs[at].result()

    with ThreadPoolExecutor(8) as askers:
        list(askers.map(ask, range(len(jobs))))
    assert sorted(done) == list(range(300))


@pytest.mark.parametrize("started", [True, False])
def test_what_goes_wrong_in_a_job_is_raised_where_its_result_is_needed(started: bool) -> None:
    def work() -> None:
        raise ValueError("no such word")

    beside = Beside()
    job = beside.job(work)
    if started:
        job.start()
    with pytest.raises(ValueError, match="no such word"):
        job.result()
    after = beside.job(name)
    after.start()
    assert after.result() in ("beside", name())


def test_the_thread_ends_with_its_owner() -> None:
    found: list[threading.Thread] = []
    ready = threading.Event()

    def work() -> None:
        found.append(threading.current_thread())
        ready.set()

    beside = Beside()
    job = beside.job(work)
    job.start()
    assert ready.wait(PATIENCE)
    job.result()
    del beside, job
    gc.collect()
    found[0].join(PATIENCE)
    assert not found[0].is_alive()
