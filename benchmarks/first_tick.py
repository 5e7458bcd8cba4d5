"""Start-up and memory of a Beat do not grow with the number of schedules."""

from statistics import median

from benchmarks.parts import Parts, given_schedules, run_python

SIZES = (100, 100_000)
ROUNDS = 7

CHILD = """
from time import perf_counter
started = perf_counter()
from benchmarks.parts import peak_megabytes
from scheduler_service.beat.scheduler import DatabaseScheduler
from scheduler_service.settings import Settings
from scheduler_service.worker.app import create_app
app = create_app(Settings())
scheduler = DatabaseScheduler(app)
scheduler._loop = scheduler._start()
scheduler._loop._wakeup.wait = lambda seconds: None
scheduler.tick()
print(perf_counter() - started, peak_megabytes())
"""


def first_tick(parts: Parts) -> list[str]:
    """Start to the end of the first tick, and peak memory, with few and with many schedules, in turn."""
    measured: dict[int, list[tuple[float, float]]] = {size: [] for size in SIZES}
    with parts.database() as few, parts.database() as many:
        databases = dict(zip(SIZES, (few, many), strict=True))
        for size, database in databases.items():
            given_schedules(database, size, due_in="1 day")
        for _ in range(ROUNDS):
            for size, database in databases.items():
                seconds, megabytes = run_python(CHILD, parts.environment(database)).split()
                measured[size].append((float(seconds), float(megabytes)))
    few_s, many_s = (median(seconds for seconds, _ in measured[size]) for size in SIZES)
    few_mb, many_mb = (median(megabytes for _, megabytes in measured[size]) for size in SIZES)
    return [
        f"start to end of first tick: {few_s:.2f} s with {SIZES[0]}, {many_s:.2f} s with {SIZES[1]}: "
        f"{many_s / few_s:.2f} times (at most 1.5)",
        f"peak memory: {few_mb:.0f} MB and {many_mb:.0f} MB: {many_mb / few_mb:.2f} times (at most 1.2)",
    ]
