"""Run the benchmarks named on the command line, or all: `python -m benchmarks [first_tick|idle|burst …]`."""

import sys
from collections.abc import Callable

from benchmarks.burst import burst, two_beats
from benchmarks.collecting import collecting
from benchmarks.console import console
from benchmarks.first_tick import first_tick
from benchmarks.idle import idle
from benchmarks.lateness import lateness
from benchmarks.next_instants import next_instants
from benchmarks.pages import pages
from benchmarks.parts import Parts, parts
from benchmarks.pipelines import pipelines
from benchmarks.recovery import recovery
from benchmarks.reporting import reporting
from benchmarks.tracking import tracking

BENCHMARKS: dict[str, Callable[[Parts], list[str]]] = {
    "first_tick": first_tick,
    "idle": idle,
    "burst": burst,
    "two_beats": two_beats,
    "tracking": tracking,
    "collecting": collecting,
    "lateness": lateness,
    "recovery": recovery,
    "pages": pages,
    "console": console,
    "next_instants": lambda _: next_instants(),
    "pipelines": lambda _: pipelines(),
    "reporting": lambda _: reporting(),
}


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    with parts() as running:
        for name in wanted or BENCHMARKS:
            for line in BENCHMARKS[name](running):
                print(line, flush=True)


main(sys.argv[1:])
