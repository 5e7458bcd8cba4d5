"""Documents: patched by the standard's own table, compared as JSON, refused field by field."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from scheduler_service.errors import Invalid
from scheduler_service.services import documents
from scheduler_service.services.fields import Document


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_rfc_7396_shows(target: Any, patch: Any, merged: Any) -> None:
    before = repr(target)

    assert documents.merge_patch(target, patch) == merged
    assert repr(target) == before


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"type": "a", "x": 1}, {"x": 2}, {"type": "a", "x": 2}),
        ({"type": "a", "x": 1}, {"type": "a", "y": 2}, {"type": "a", "x": 1, "y": 2}),
        ({"type": "a", "x": 1}, {"type": "b", "y": 2}, {"type": "b", "y": 2}),
        ({"s": {"type": "a", "x": 1}}, {"s": {"type": "b"}}, {"s": {"type": "b"}}),
    ],
    ids=["within", "same type", "another type", "inside"],
)
def test_an_object_of_another_type_replaces_where_types_have_a_meaning(target: Any, patch: Any, merged: Any) -> None:
    assert documents.merge_patch(target, patch, typed=True) == merged


def test_differences_are_those_of_json() -> None:
    before = {"same": {"a": 1, "b": 2}, "number": 1, "gone": "x", "text": "a"}
    after = {"same": {"b": 2, "a": 1}, "number": True, "text": "b", "new": []}

    assert documents.differences(before, after) == {
        "number": (1, True),
        "gone": ("x", None),
        "text": ("a", "b"),
        "new": (None, []),
    }


class Cat(Document):
    type: Literal["cat"]
    lives: int


class Dog(Document):
    type: Literal["dog"]
    tricks: list[str]


class House(Document):
    pet: Annotated[Cat | Dog, Field(discriminator="type")]
    size: int | Literal["big"] = 1


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"pet": {"type": "cat"}}, {"pet.lives": "is required"}),
        ({"pet": {"type": "dog", "tricks": ["sit", 5]}}, {"pet.tricks.1": "should be a valid string"}),
        ({"pet": {"type": "cow"}}, {"pet.type": "'cow' is not one of 'cat', 'dog'"}),
        ({"pet": {}}, {"pet.type": "is required"}),
        ({}, {"pet": "is required"}),
        ([], {"body": "must be a JSON object"}),
        (
            {"pet": {"type": "cat", "lives": 9, "dog": 1}, "size": "small"},
            {
                "pet.dog": "is not a known field",
                "size": "should be a valid integer, unable to parse string as an integer, or should be 'big'",
            },
        ),
    ],
)
def test_a_bad_field_is_named_as_the_person_wrote_it(document: Any, fields: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        documents.read(House, document)

    assert {problem.field: problem.reason for problem in refused.value.problems} == fields
