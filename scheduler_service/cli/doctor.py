"""`doctor`: look a live service over, and say in words what is wrong and what to do about it."""

import json
from dataclasses import asdict
from threading import Event
from typing import Any

import click

from scheduler_service.cli.configuration import broker_url, database_url
from scheduler_service.services.broker_look import BrokerLook, look_at_broker
from scheduler_service.settings import Settings

HEALTHY, UNHEALTHY = 0, 1


def run_doctor(settings: Settings, *, as_json: bool) -> int:
    """The exit code: 0 when nothing was found, 1 when something was. Raises: CannotStart, StoreAway."""
    from scheduler_service.services import doctor
    from scheduler_service.storage.findings import Found
    from scheduler_service.storage.session import Database
    from scheduler_service.timing.clock import SystemClock
    from scheduler_service.workloads.warehouses import warehouse_at

    database = Database(database_url(settings))
    try:
        diagnosis = doctor.examine(database, host=SystemClock(), pause=Event().wait)
    finally:
        database.close()
    queues = diagnosis.queues_wanted.union(*(worker.queues for worker in diagnosis.workers))
    broker = look_at_broker(broker_url(settings), queues)
    told = [Found.one(finding) for finding in broker.findings]
    warehouse = warehouse_at(settings.warehouse_server, file=settings.warehouse_file)
    found = [
        *diagnosis.found,
        *told,
        *Found.of(doctor.unserved_messages(broker.depths, diagnosis.workers)),
        *Found.of(doctor.warehouse_findings(warehouse)),
    ]
    healthy = all(one.is_note for one in found)
    if as_json:
        click.echo(json.dumps(_document(diagnosis, broker, found, healthy=healthy), default=str, indent=2))
    else:
        click.echo("\n".join([*_seen(diagnosis, broker), "", *_in_words(found)]))
    return HEALTHY if healthy else UNHEALTHY


def _document(diagnosis: Any, broker: BrokerLook, found: list[Any], *, healthy: bool) -> dict[str, Any]:
    return {
        "healthy": healthy,
        "database": diagnosis.database,
        "now": diagnosis.now.isoformat().replace("+00:00", "Z"),
        "clock_difference_seconds": diagnosis.clock_difference.total_seconds(),
        "beats": diagnosis.beats,
        "workers": [asdict(worker) for worker in diagnosis.workers],
        "broker": {name: value for name, value in asdict(broker).items() if name != "findings"},
        "findings": [_findings(one) for one in found if not one.is_note],
        "notes": [_findings(one) for one in found if one.is_note],
    }


def _findings(found: Any) -> dict[str, Any]:
    items = [{"subject": finding.subject, "sentence": finding.sentence} for finding in found.findings]
    return {"code": found.code, "total": found.total, "mend": found.findings[0].mend, "items": items}


def _seen(diagnosis: Any, broker: BrokerLook) -> list[str]:
    """What was looked at, a line each."""
    seconds = abs(diagnosis.clock_difference.total_seconds())
    beats = "" if diagnosis.beats is None else f", Beats: {diagnosis.beats}"
    alive = sorted(worker.name for worker in diagnosis.workers if worker.alive)
    return [
        f"Database  {diagnosis.database}, clocks {seconds:.1f} s apart{beats}",
        f"Broker    {_broker_seen(broker)}",
        f"Workers   {', '.join(alive) or 'none alive'}",
    ]


def _broker_seen(broker: BrokerLook) -> str:
    if broker.url is None:
        return "not looked at: SCHEDULER_BROKER_URL is not set, and the data directory has no broker of its own"
    if not broker.looked:
        return f"not looked at: {broker.url} is no Redis"
    waiting = ", ".join(f"{queue} {depth}" for queue, depth in broker.depths.items()) or "no queue known"
    return f"{broker.url}; waiting: {waiting}; delivered and not acknowledged: {broker.unacked}"


def _in_words(found: list[Any]) -> list[str]:
    wrong, notes = [one for one in found if not one.is_note], [one for one in found if one.is_note]
    total = sum(one.total for one in wrong)
    lines = [f"{total} {'thing is' if total == 1 else 'things are'} wrong." if wrong else "Nothing is wrong."]
    for one in wrong:
        lines += ["", *_group(one)]
    if notes:
        lines += ["", "To know:"]
    for one in notes:
        lines += ["", *_group(one)]
    return lines


def _group(one: Any) -> list[str]:
    lines = [f"{one.code} ({one.total})"]
    lines += [f"  {finding.subject}: {finding.sentence}" for finding in one.findings]
    if one.total > len(one.findings):
        lines.append(f"  … and {one.total - len(one.findings)} more")
    return [*lines, f"  To mend it: {one.findings[0].mend}"]
