"""`migrate`: the road from another scheduler, a step each command."""

import click

from scheduler_service.cli.migrate_plan import apply, plan
from scheduler_service.cli.migrate_road import compare, cutover, rollback, status


@click.group()
def migrate() -> None:
    """Move the jobs of another scheduler here, one at a time if wanted, and back."""


for command in (plan, apply, compare, cutover, rollback, status):
    migrate.add_command(command)
