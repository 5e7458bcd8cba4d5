"""Months of a service in seconds: random schedules, edits, crashes, losses and delays, all from one seed.

What must hold is worked out by `ledger.py` from the edits alone. A seed that fails replays by itself:
`SIMULATION_SEED=17 pytest tests/simulation`; `SIMULATION_STEPS` makes it longer.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.simulation.edits import Editor
from tests.simulation.ledger import Broken
from tests.simulation.world import World

SEEDS = [int(os.environ["SIMULATION_SEED"])] if "SIMULATION_SEED" in os.environ else list(range(1, 21))
STEPS = int(os.environ.get("SIMULATION_STEPS", "120"))
BEGINS = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(sqlite_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    seed = request.param
    begins = BEGINS + timedelta(days=seed * 13 % 300)  # so that some begin before a clock shift
    made = World(sqlite_url, seed, begins, monkeypatch)
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize("world", SEEDS, indirect=True, ids="seed {}".format)
def test_whatever_happens_every_occurrence_is_accounted_for(world: World) -> None:
    editor = Editor(world)
    for _ in range(6):
        editor.create()
    step = 0
    try:
        for step in range(STEPS):
            one_step(world, editor)
            world.check_ended()
            if step % 10 == 0:
                world.check()
        come_to_rest(world, editor)
        world.check_rest()
    except Exception as why:
        why.add_note(f"Step {step}, {world.clock.now()}. Again: SIMULATION_SEED={world.seed} pytest tests/simulation")
        raise


def one_step(world: World, editor: Editor) -> None:
    """Time passes, and some of everything happens."""
    chance = world.chance
    world.advance(some_time(world))
    doings: list[tuple[float, Callable[[], object]]] = [
        (0.2, editor.edit),
        (0.12, world.broker.disturb),
        (0.3 if world.broker.away else 0.05, lambda: upset_broker(world)),
        (0.08, lambda: upset_worker(world)),
        (0.6, lambda: world.tick(0, killed=chance.random() < 0.1)),
        (0.7, world.work),
        (0.4, lambda: world.tick(1, killed=chance.random() < 0.1)),
        (0.3, world.work),
    ]
    chance.shuffle(doings)
    for likelihood, do in doings:
        if chance.random() < likelihood:
            do()


def some_time(world: World) -> timedelta:
    """A moment, until something comes due, hours, or days in which no Beat ran."""
    chance = world.chance
    kind = chance.random()
    if kind < 0.35:
        return timedelta(milliseconds=chance.randrange(120_000))
    if kind < 0.7:
        return world.until_next_run() + timedelta(milliseconds=chance.choice([0, 0, chance.randrange(5000)]))
    if kind < 0.92:
        return timedelta(minutes=chance.randrange(12 * 60))
    return timedelta(hours=chance.randrange(20 * 24))


def upset_broker(world: World) -> None:
    broker, kind = world.broker, world.chance.random()
    if broker.away:
        broker.away = False
    elif kind < 0.4:
        broker.away = True
    elif kind < 0.7:
        broker.wipe()
    else:
        broker.restart()


def upset_worker(world: World) -> None:
    worker, kind = world.chance.choice(world.workers), world.chance.random()
    if not worker.alive:
        worker.start()
    elif kind < 0.5:
        worker.crash()
        if kind < 0.25:
            worker.start()  # at once, under its name, before anybody missed it
    else:
        worker.frozen_until = world.clock.now() + timedelta(seconds=world.chance.randrange(7200))


def come_to_rest(world: World, editor: Editor) -> None:
    """No more failures and no more occurrences; what there is gets the time that it needs."""
    world.broker.away = False
    for worker in world.workers:
        worker.calm, worker.frozen_until = True, None
        if not worker.alive:
            worker.start()
    world.advance(timedelta())
    world.tick(0)
    editor.pause_all()
    quiet = 0
    for number in range(300):
        world.tick(number % len(world.beats))
        quiet = 0 if world.work() else quiet + 1
        if quiet and not world.goes_on():
            return
        world.advance(timedelta(seconds=11 if quiet < 4 else 3600))
    raise Broken("it never comes to rest")
