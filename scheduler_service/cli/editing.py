"""A schedule in the person's editor. Nothing typed is lost: what could not be applied stays in its file."""

import sys
from collections.abc import Callable
from typing import Any

import click

from scheduler_service.cli.drafts import Draft
from scheduler_service.cli.remote import in_words
from scheduler_service.cli.tables import note
from scheduler_service.client import Client, Invalid
from scheduler_service.client.documents import Schedule
from scheduler_service.errors import Malformed

TEMPLATE = """\
# A new schedule. What is left out has its default; `scheduler-service schedules show` names every field.
name:
task:
args: []
kwargs: {}
timing:
  type: crontab
  expression: 0 9 * * mon-fri
  timezone: UTC
tags: []
description: ''
"""


def create_by_hand(client: Client) -> Schedule | None:
    """A schedule from a template; None when it was left as it is."""
    return _applied(Draft(TEMPLATE), client.schedules.create, again="schedules create --file")


def edit_by_hand(client: Client, schedule: Schedule) -> Schedule | None:
    """A schedule with what the person changed, if nobody else changed it meanwhile; None when nothing was."""
    heading = (
        f"Schedule {schedule.id} at revision {schedule.revision}: {schedule.timing_text}.",
        "What is left out gets its default. Nothing is applied when nothing is changed.",
    )
    return _applied(
        Draft.of(schedule.settable(), heading),
        lambda document: client.schedules.replace(schedule.id, document, revision=schedule.revision),
        again=f"schedules edit {schedule.id} --file",
    )


def _applied(draft: Draft, apply: Callable[[dict[str, Any]], Schedule], *, again: str) -> Schedule | None:
    before = draft.read()
    try:
        while True:
            try:
                document = draft.edit()
                done = apply(document) if document != before else None
            except (Invalid, Malformed) as why:
                if not _wants_to_mend(why):
                    raise
            else:
                draft.discard()
                return done
    except BaseException:  # Ctrl-C as well
        if draft.is_typed_in:
            note(f"What you typed is in {draft.path}. To apply it all the same: scheduler-service {again} {draft.path}")
        else:
            draft.discard()
        raise


def _wants_to_mend(why: Invalid | Malformed) -> bool:
    if not sys.stdin.isatty():
        return False
    note(in_words(why) if isinstance(why, Invalid) else str(why))
    return click.confirm("Open the editor again?", default=True, err=True)
