"""Signals that end a command: at once while it starts, counted afterwards."""

import signal

import pytest

from scheduler_service.cli.interrupts import ONE_REQUEST, Interrupts
from tests.support.waiting import eventually


def test_while_it_starts_a_signal_interrupts() -> None:
    with Interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_afterwards_it_is_counted_and_ends_a_pause() -> None:
    with Interrupts() as interrupts:
        interrupts.defer()
        signal.raise_signal(signal.SIGINT)
        interrupts.pause(60)

        assert interrupts.count == 1


def test_the_same_signal_from_two_sides_is_one_request_and_a_later_one_another() -> None:
    def raised() -> bool:
        signal.raise_signal(signal.SIGTERM)
        return interrupts.count == 2

    with Interrupts() as interrupts:
        interrupts.defer()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

        assert interrupts.count == 1
        eventually(raised, within=2 * ONE_REQUEST)


def test_what_was_there_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
