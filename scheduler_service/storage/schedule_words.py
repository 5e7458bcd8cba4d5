"""What is written of a schedule (its name, task, description and tags), as conditions: by words, and by tags."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, or_, select, text, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import TAGGED, PeriodicTask

Condition = ColumnElement[bool]


def tagged(session: Session, tag: str) -> Condition:
    """Has this tag; PostgreSQL has an index of those that have any."""
    if is_postgresql(session):
        return and_(type_coerce(PeriodicTask.tags, JSONB).contains([tag]), text(TAGGED))
    return _has_tag(session, lambda value: value == tag)


def mentions(session: Session, word: str) -> Condition:
    """Has this word in a text or a tag, small or large alike: one without a space, so all texts are sought at once."""
    told = PeriodicTask.name + "\n" + PeriodicTask.task + "\n" + PeriodicTask.description
    return or_(_holds(session, told, word), _is_in_a_tag(session, word))


def _is_in_a_tag(session: Session, word: str) -> Condition:
    """Sought in the text of all first, where the database writes that: to unpack them takes three times as long."""
    is_in_one = _has_tag(session, lambda value: _holds(session, value, word))
    if not is_postgresql(session):
        return and_(func.json_array_length(PeriodicTask.tags) > 0, is_in_one)
    written = json.dumps(word, ensure_ascii=False)[1:-1]
    is_in_all = _holds(session, cast(PeriodicTask.tags, Text), written)
    return and_(func.jsonb_array_length(PeriodicTask.tags) > 0, is_in_all, is_in_one)


def _holds(session: Session, column: Any, word: str) -> Condition:
    """By `lower`: ILIKE makes the word small for each row anew, which takes twice as long."""
    place = func.strpos if is_postgresql(session) else func.instr
    is_held: Condition = place(func.lower(column), func.lower(word)) > 0
    return is_held


def _has_tag(session: Session, fits: Any) -> Condition:
    unpacked = func.jsonb_array_elements_text if is_postgresql(session) else func.json_each
    values = unpacked(PeriodicTask.tags).table_valued("value")
    return exists(select(1).select_from(values).where(fits(values.c.value)))
