"""`migrate watch`: seeing each run of a Celery's Beat, where its tables tell only of the last."""

from typing import Any

import click

from scheduler_service.cli.interrupts import Interrupts
from scheduler_service.cli.migrate_jobs import opened
from scheduler_service.cli.migrate_plan import sourced
from scheduler_service.cli.tables import note


@click.command("watch")
@sourced
@click.option("--broker", envvar="SCHEDULER_MIGRATE_BROKER", required=True, help="The URL of the broker it sends by.")
def watch(source: Any, mapping: Any, broker: str) -> None:
    """Follow the broker of SOURCE until Ctrl-C, so that `compare` sees each run of its jobs, and not only the last.

    Its workers must send events (`celery worker -E`), or its Beat (`task_send_sent_event = True`). It may be started
    again at any time: what ran meanwhile is not compared.
    """
    from scheduler_service.moving.broker_events import BrokerEvents
    from scheduler_service.moving.watching import WATCHABLE, Watch

    if source.kind not in WATCHABLE:
        raise click.UsageError(f"Only what a Celery's Beat sends can be watched, and {source.label} is none.")
    events = BrokerEvents(broker)
    with opened() as database, Interrupts() as interrupts:
        interrupts.defer()
        watched = Watch(database, source, mapping, events, note)
        watched.run(lambda: interrupts.count > 0, interrupts.pause)
    heard = watched.hearing
    note(
        f"{heard.placed} runs were kept. {heard.strays} messages of its jobs came at none of their instants, "
        f"and {heard.others} were of other tasks: sent by hand, or by another program."
    )
