"""`migrate`: the road from another scheduler, a step each command."""

import click

from scheduler_service.cli.migrate_looks import compare, status
from scheduler_service.cli.migrate_plan import apply, plan
from scheduler_service.cli.migrate_road import cutover, rollback
from scheduler_service.cli.migrate_watch import watch


@click.group()
def migrate() -> None:
    """Move the jobs of another scheduler here, one at a time if wanted, and back."""


for command in (plan, apply, watch, compare, cutover, rollback, status):
    migrate.add_command(command)
