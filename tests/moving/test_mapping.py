"""The mapping file: drafted, completed, and refused line by line."""

from datetime import timedelta

import pytest

from scheduler_service.errors import MappingWrong
from scheduler_service.moving import mapping
from scheduler_service.moving.found import FoundInterval, FoundJob, Unreadable

EVERY_HOUR = FoundInterval(timedelta(hours=1))


def jobs() -> list[FoundJob]:
    return [
        FoundJob("a", "a", EVERY_HOUR, function="shop.jobs:collect"),
        FoundJob("b", "b", EVERY_HOUR, function="shop.jobs:collect", args=Unreadable("an object")),
        FoundJob("c", "c", EVERY_HOUR, function="shop.jobs:report"),
        FoundJob("d: odd", "d", EVERY_HOUR),
        FoundJob("e", "e", EVERY_HOUR, task="shop.tidy"),
        FoundJob("f", "f", Unreadable("a pickle"), args=Unreadable("a pickle")),
    ]


def test_a_draft_has_an_entry_for_all_that_a_person_must_say() -> None:
    read = mapping.read(mapping.draft(jobs(), source="apscheduler+sqlite:///jobs.db"), file="m.yaml")

    assert read.source == "apscheduler+sqlite:///jobs.db"
    assert list(read.jobs) == ["shop.jobs:collect", "shop.jobs:report", "b", "d: odd"]
    assert read.jobs["b"].model_fields_set == {"args"}
    assert read.of(jobs()[0]).task is None


def test_a_draft_of_nothing_can_be_read() -> None:
    assert mapping.read(mapping.draft([], source="crontab:/etc/crontab"), file="m.yaml").jobs == {}


def test_what_its_id_says_counts_over_what_its_function_says() -> None:
    text = "version: 1\njobs:\n  shop.jobs:collect: {task: collect.execute_task, queue: slow}\n  b: {args: [2]}\n"

    said = mapping.read(text, file="m.yaml").of(jobs()[1])

    assert (said.task, said.queue, said.args) == ("collect.execute_task", "slow", [2])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\njobs:\n  shop.jobs:collect:\n    tsak: x\n", "line 4: jobs.shop.jobs:collect.tsak"),
        ("version: 1\nallow: shop\n", "line 2: allow"),
        ("version: 2\n", "line 1: version"),
        ("version: 1\njobs: {a: {args: 5}}\n", "line 2: jobs.a.args"),
        ("version: 1\njobs: [\n", "line 3"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(MappingWrong, match=r"^m.yaml is no mapping") as refused:
        mapping.read(text, file="m.yaml")

    assert told in str(refused.value)
