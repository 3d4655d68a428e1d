"""Work in threads gives what one after the other gives, in its order."""

import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from interp.analysis import clusters, threads
from interp.analysis.clusters import matching, untrained
from interp.analysis.threads import in_order, processors


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_results_come_in_the_order_of_the_items(count):
    wait = {0: 0.05}
    found = in_order(lambda item: time.sleep(wait.get(item, 0)) or item**2, iter(range(7)), count)
    assert list(found) == [item**2 for item in range(7)]


def test_only_a_few_items_are_drawn_ahead():
    drawn = []
    items = (drawn.append(item) or item for item in range(100))
    found = in_order(abs, items, 2)
    assert next(found) == 0
    assert len(drawn) <= 4
    assert list(found) == list(range(1, 100))


def test_several_are_worked_on_at_once():
    both = threading.Barrier(2, timeout=30)
    assert len(list(in_order(lambda _: both.wait(), range(2), 2))) == 2


def test_an_error_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda item: 1 / item, (1, 0), 2))


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to a thread on this system")
def test_what_waits_is_not_begun_when_ctrl_c_is_pressed(monkeypatch):
    both, stopped, begun, ended = threading.Barrier(2, timeout=30), threading.Event(), [], []
    shutdown = ThreadPoolExecutor.shutdown

    def told(pool, wait=True, *, cancel_futures=False):
        shutdown(pool, wait=False, cancel_futures=cancel_futures)
        stopped.set()
        if wait:
            shutdown(pool)

    def work(item):
        begun.append(item)
        if item < 2:
            both.wait()
            if item == 0:
                time.sleep(0.05)  # another item waits by now
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            assert stopped.wait(30)
        ended.append(item)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", told)
    with pytest.raises(KeyboardInterrupt):
        list(in_order(work, range(9), 2))
    assert sorted(begun) == sorted(ended) == [0, 1]


def test_whoever_asks_for_one_thread_gets_it(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert processors() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= processors() <= threads.MOST


def test_nulls_are_the_same_to_the_last_digit_whatever_the_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    centroids, points, weight = x[:5].astype(float), x[5:12].astype(float), rng.normal(size=(7, 6))
    options = clusters.ClusterOptions(repetitions=5)

    def found(count):
        monkeypatch.setattr(threads, "processors", lambda: count)
        (nulls,) = matching.null_distances(points, np.full(7, 9.0), x, [centroids], options)
        (table,) = untrained.beside_untrained(x, [centroids], weight, np.zeros(7), "abs")
        return nulls, table

    (one, first), (several, second) = found(1), found(3)
    assert all((one[name] == several[name]).all() for name in matching.NULLS)
    assert first.equals(second)


def test_a_layers_own_distances_are_made_by_one_thread_as_those_of_its_nulls(monkeypatch):
    rng, seen = np.random.default_rng(0), set()
    x, distances = rng.normal(size=(60, 4)), untrained._distances

    def made(*given, **named):
        seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return distances(*given, **named)

    monkeypatch.setattr(untrained, "_distances", made)
    with threadpool_limits(2):
        untrained.beside_untrained(x, [x[:3]], rng.normal(size=(5, 4)), np.zeros(5), "abs")
    assert seen == {1}


def test_a_thread_has_no_threads_of_its_own_neither_here_nor_in_libraries():
    """Those of two products at once would wait for each other, and divide sums in another way."""

    def own(_):
        return processors(), max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

    before = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    assert list(in_order(own, range(3), 2)) == [(1, 1)] * 3
    assert {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()} == before


def test_libraries_are_looked_for_anew_only_after_an_import(monkeypatch):
    """To look for them takes as long as many a block of work."""
    looked, plain = [], threads.ThreadpoolController
    monkeypatch.setattr(threads, "ThreadpoolController", lambda: looked.append(1) or plain())
    threads._libraries.cache_clear()
    for _ in range(2):
        assert list(in_order(abs, range(3), 2)) == [0, 1, 2]
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "new_module", threads)
    assert list(in_order(abs, range(3), 1)) == [0, 1, 2]
    assert len(looked) == 2
