"""Comparing all jobs of a source, after a look at what its store tells of last runs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from scheduler_service.moving.found import Source
from scheduler_service.services.comparisons import KINDS, TOLERANCE, Comparison, compare, heard_of
from scheduler_service.services.fields import wire_instant
from scheduler_service.storage import observed_runs, watched_spans
from scheduler_service.storage.models import Move, WatchedSpan
from scheduler_service.storage.session import Database

KEPT_WITHIN = timedelta(minutes=1)


def take_last_runs(database: Database, source: Source, wanted: Sequence[Move]) -> int:
    """Keep what the source says of each job's last run: of a store that tells no more, each look is a sample.

    Not of what was seen on its broker, which is kept by its instant. How many were new. Raises: SourceAway,
    SourceNotUnderstood.
    """
    found = source.last_runs([move.source_id for move in wanted])
    with database.transaction() as session:
        now = database.clock.now()
        told = {"source": source.label, "outcome": "executed", "reported_at": now}
        spans = watched_spans.of_source(session, source.label)
        rows = [
            {**told, "source_id": key, "scheduled_at": at, "ran_at": at}
            for key, at in found.items()
            if not any(_is_seen(span, key, at) for span in spans)
        ]
        return observed_runs.store(session, rows)


def _is_seen(span: WatchedSpan, key: str, at: datetime) -> bool:
    """Also what came just now, and is not kept yet."""
    return key not in span.blind and span.began_at <= at <= span.heard_at + KEPT_WITHIN


def compare_all(
    database: Database,
    wanted: Sequence[Move],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> list[Comparison]:
    """Each job's comparison."""
    with database.reading() as session:
        now = database.clock.now()
        heard = heard_of(session, wanted)
        asked: dict[str, Any] = {"now": now, "since": since, "until": until, "tolerance": tolerance}
        return [compare(session, move, heard=heard[move.source], **asked) for move in wanted]


def why_not_clean(comparison: Comparison, *, uncompared: bool) -> str | None:
    """Why a job should not be cut over yet. `uncompared`: one that had nothing to run may be."""
    if comparison.unexplained:
        return f"{comparison.unexplained} differences are not explained"
    if comparison.since is None:
        return "nothing was told of what its source runs"
    if comparison.is_clean or (uncompared and comparison.is_quiet):
        return None
    if comparison.is_quiet:
        return "it had nothing to run since it is a shadow"
    return "nothing of it has matched yet"


def document_of(comparison: Comparison) -> dict[str, Any]:
    """The comparison in JSON."""
    differences = [
        asdict(one) | {"ours": wire_instant(one.ours), "theirs": wire_instant(one.theirs)}
        for one in comparison.differences
    ]
    return {
        "source_id": comparison.source_id,
        "name": comparison.name,
        "since": wire_instant(comparison.since),
        "until": wire_instant(comparison.until),
        **{kind: comparison.counts[kind] for kind in KINDS},
        "unexplained": comparison.unexplained,
        "greatest_milliseconds": comparison.greatest_milliseconds,
        "differences": differences,
    }
