"""What services say in English is said in Chinese as well: every sentence of the source that may reach a page."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, create_model

from scheduler_service.console import sentences, words
from scheduler_service.console.words import Reader
from scheduler_service.errors import DefinitionInUse, Invalid, QueryFailed, SignInFailed, SqlRefused
from scheduler_service.services import documents
from scheduler_service.storage.session import Database
from tests.console.pages import Browser
from tests.console.wordings import PLACE, written
from tests.support.rows import given_schedule, sql

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VALUES = re.compile(r"(\{\})+")
#: Found, and told by no page: what the road off another scheduler says at a terminal, names of acts and of a table, an
#: example of the API, what holds others, what is cut out of a long text, and what the sign-in page says by itself.
EXCUSED = {
    "{} cannot be reached: {}.", "{} is not understood: {}.", "{} is only read: {}.", "{} is no mapping: {}.",
    "{}: {} is in a pickle, which is opened only with --trust-pickle.", "run", "pause", "delete", "the shop moves",
    "{}, or {}", "task_run", "has problems inside", "Not ready: {}", "{}\n… {} characters left out …\n{}",
    "This key is not known, or not any more.",
}  # fmt: skip
#: Told by a trigger in SQL, by a value that is handed on out of sight, by `"; ".join`, or by our tasks of themselves.
ELSEWHERE = {
    "the schedule was deleted", "what it waits for has succeeded after all", "requests", "requests from this address",
    "keys that are not known, from this address", "waits for an earlier run to end (overlap policy: {})",
    "an earlier run of this schedule is not finished (overlap policy: skip)",
    "one run of this schedule waits already (overlap policy: buffer_one)",
    "{} runs of this schedule wait already (buffer_limit)", "run {} of {}",
    "Bring in what the collect task with this id defines; with `full_refresh` all, in place of what is there.",
    "Make the report with this id, and deliver it.", "Make the datasets of the pipeline with this id.",
}  # fmt: skip
#: A type, and a value that pydantic refuses.
REFUSED: list[tuple[Any, Any]] = [
    (int, "x"), (int, None), (int, 1.5), (float, "x"), (float, None), (bool, "q"), (bool, None), (str, 1),
    (Annotated[float, Field(allow_inf_nan=False)], float("inf")), (Annotated[str, Field(pattern="^a")], "b"),
    (Annotated[str, Field(min_length=1)], ""), (Annotated[str, Field(min_length=2)], ""),
    (Annotated[str, Field(max_length=1)], "abc"), (Annotated[str, Field(max_length=2)], "abc"),
    (Annotated[int, Field(ge=1)], 0), (Annotated[int, Field(le=1)], 2), (Annotated[int, Field(gt=1)], 0),
    (Annotated[int, Field(lt=1)], 2), (Literal["a"], "x"), (Literal["a", "b", "c"], "x"),
    (Annotated[list[int], Field(min_length=1)], []), (Annotated[list[int], Field(min_length=2)], []),
    (Annotated[list[int], Field(max_length=1)], [1, 2]), (Annotated[list[int], Field(max_length=2)], [1, 2, 3]),
    (Annotated[dict[str, int], Field(max_length=1)], {"a": 1, "b": 2}),
    (Annotated[dict[str, int], Field(max_length=2)], {"a": 1, "b": 2, "c": 3}),
]  # fmt: skip
#: A JSON Schema, and a value that does not fit it.
UNFIT: list[tuple[dict[str, Any], Any]] = [
    ({"type": "integer"}, "x"), ({"minimum": 1}, 0), ({"maximum": 1}, 3), ({"exclusiveMinimum": 1}, 1),
    ({"exclusiveMaximum": 1}, 1), ({"maxLength": 1}, "abc"), ({"minLength": 3}, "a"), ({"minLength": 1}, ""),
    ({"pattern": "^a"}, "b"), ({"const": "a"}, "b"), ({"multipleOf": 2}, 3), ({"required": ["a"]}, {}),
    ({"additionalProperties": False}, {"b": 1}), ({"additionalProperties": False}, {"b": 1, "c": 1}),
    ({"uniqueItems": True}, [1, 1]), ({"enum": ["a"]}, "b"),
]  # fmt: skip


def shape(text: str) -> str:
    """The sentence with `{}` for each value, however the value is called."""
    named = re.sub(r"%\(\w+\)s", "{}", text).replace("%%", "%")
    return VALUES.sub("{}", PLACE.sub("{}", named))


def in_chinese(text: object) -> str:
    with words.read_by(Reader("zh", ZoneInfo("UTC"), NOW)):
        return sentences.said(text)


def foreign() -> list[str]:
    """What the libraries say that look at documents and arguments."""
    found = [error.message for schema, value in UNFIT for error in Draft202012Validator(schema).iter_errors(value)]
    for kind, value in REFUSED:
        try:
            documents.read(create_model("Document", field=(kind, ...)), {"field": value})
        except Invalid as why:
            found += [problem.reason for problem in why.problems]
    return found


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"%\\\(\w+\\\)s", ".+", re.escape(text)))


def known() -> dict[str, str]:
    return {shape(text): text for text in words.messages("sentences")}


def test_every_sentence_that_may_reach_a_page_has_its_chinese() -> None:
    missing = {told.text: told.place for told in written() if shape(told.text) not in known().keys() | EXCUSED}

    assert missing == {}


def test_no_sentence_is_left_over() -> None:
    used = {shape(told.text) for told in written()} | ELSEWHERE
    said = foreign()

    left = [text for form, text in known().items() if form not in used and not any(map(pattern(text).fullmatch, said))]

    assert left == []
    assert not EXCUSED - {shape(told.text) for told in written()}


def test_what_libraries_say_is_told_in_chinese() -> None:
    said = foreign()

    assert len(said) == len(REFUSED) + len(UNFIT)
    assert [text for text in said if in_chinese(text) == text] == []


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        pytest.param("'61' is not within 0-59", "'61' 不在 0-59 之内", id="values stay as they were"),
        pytest.param("is required, or ids", "必填，或者给出 ids", id="the closest pattern"),
        pytest.param("must be a list, or is required", "必须是列表，或必填", id="of a union, each member"),
        pytest.param(
            SignInFailed("the provider said no"), "登录失败：身份提供方拒绝了。请重新开始。", id="a reason within"
        ),
        pytest.param(
            QueryFailed("orders", str(SqlRefused("is nested too deeply"))),
            "orders：SQL 嵌套太深。",
            id="what it is about",
        ),
        pytest.param(
            DefinitionInUse("collect task", 5, ["a", "b"]), "采集任务 5 正被调度 'a', 'b' 使用。", id="a noun of ours"
        ),
        pytest.param(
            "It is 4000.0 s ahead of the database's.",
            "它比数据库的快 1 小时 06 分。",
            id="how long, as the console says it",
        ),
        pytest.param("the moon was full", "the moon was full", id="what nobody knows"),
        pytest.param("is required; " * 1_000, "is required; " * 1_000, id="what is too long"),
    ],
)
def test_a_sentence_keeps_its_facts(text: object, chinese: str) -> None:
    assert in_chinese(text) == chinese


def test_an_english_reader_reads_what_was_written() -> None:
    with words.read_by(Reader("en", ZoneInfo("UTC"), NOW)):
        assert sentences.said("is required, or ids") == "is required, or ids"
        assert sentences.said("waited 4000 s") == "waited 4000 s"
        assert sentences.said("It is 4000.0 s behind the database's.") == "It is 1 h 06 min behind the database's."


def test_a_field_is_refused_in_the_readers_language(sqlite_site: Database, sqlite_admin: Browser) -> None:
    path = f"/schedules/{given_schedule(sqlite_site, name='orders', every=3600)}/edit"
    sqlite_admin.http.headers["Accept-Language"] = "zh"
    page = sqlite_admin.read(path)

    refused = sqlite_admin.send(page.one("form", action=path), status=422, name="x" * 201)

    assert "最多 200 个字符" in refused.text
    assert "should be" not in refused.text


def test_a_page_that_is_not_there_says_so_in_the_readers_language(sqlite_site: Database, sqlite_admin: Browser) -> None:
    page = sqlite_admin.read("/schedules/999", status=404, language="zh")

    assert "没有 id 为 999 的调度。" in page.text


def test_why_a_schedule_is_paused_is_told_in_the_readers_language(sqlite_site: Database, sqlite_admin: Browser) -> None:
    schedule_id = given_schedule(sqlite_site, name="orders", every=3600)
    sql(
        sqlite_site,
        f"UPDATE periodic_task SET enabled = false, paused_reason = '3 failures in a row' WHERE id = {schedule_id}",
    )

    assert "连续失败 3 次" in sqlite_admin.read(f"/schedules/{schedule_id}", language="zh").text
    assert "连续失败 3 次" in sqlite_admin.read("/schedules", language="zh").text
