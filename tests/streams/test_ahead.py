"""Reading ahead: the order, errors, and the end of the reader."""

import threading
import time
from importlib import import_module

import pytest

from interp.streams import ahead


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "interp-ahead"]


def test_items_come_in_order_and_the_reader_ends():
    assert list(ahead(iter(range(50)))) == list(range(50))
    assert not readers()


def test_the_next_item_is_read_while_one_is_used():
    begun = []

    def items():
        for item in range(4):
            begun.append(item)
            yield item

    found = ahead(items())
    assert next(found) == 0
    deadline = time.monotonic() + 10
    while len(begun) < 3 and time.monotonic() < deadline:  # one waits, and one is under way
        time.sleep(0.001)
    time.sleep(0.05)
    assert begun == [0, 1, 2]
    found.close()


@pytest.mark.parametrize("error", [ValueError("here"), KeyboardInterrupt("there"), SystemExit(3)])
def test_what_ends_the_reading_is_raised_after_the_items_before_it(error):
    def items():
        yield from (1, 2)
        raise error

    found = ahead(items())
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(type(error)) as raised:
        next(found)
    assert raised.value is error
    assert not readers()


def test_an_iterable_that_cannot_begin_raises_where_it_is_used():
    with pytest.raises(TypeError):
        list(ahead(3))
    assert not readers()


def test_a_reader_that_was_left_behind_closes_what_it_reads_and_ends(monkeypatch):
    goes_on, closed = threading.Event(), threading.Event()

    def hangs():
        try:
            yield 1
            goes_on.wait(20)
            yield from (2, 3)
        finally:
            closed.set()

    monkeypatch.setattr(import_module("interp.streams.ahead"), "PATIENCE", 0.05)
    found = ahead(hangs())
    assert next(found) == 1
    found.close()
    (reader,) = readers()
    goes_on.set()
    reader.join(10)
    assert closed.is_set()
    assert not reader.is_alive()


@pytest.mark.parametrize("leave", ["forget", "error", "interrupt", "close"])
def test_a_loop_that_ends_early_stops_the_reader_and_closes_what_it_reads(leave):
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    found = ahead(endless())
    errors = {"error": ValueError, "interrupt": KeyboardInterrupt}
    next(found)
    if leave in errors:
        with pytest.raises(errors[leave]):
            found.throw(errors[leave])
    elif leave == "close":
        found.close()
    else:
        del found
    assert closed.wait(5)
    assert not readers()
