"""Which language an Accept-Language asks for."""

import pytest

from scheduler_service.services.languages import chosen


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"), ("", "en"), ("*", "en"), ("de", "en"), ("en-GB", "en"), ("nonsense;;q=2, ,", "en"),
        ("zh", "zh"), ("zh-CN", "zh"), ("ZH-Hans", "zh"), ("zh-Hans-CN", "zh"), (" zh ; q=0.5 ", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-US,en;q=0.9,zh-CN;q=0.8", "en"), ("en;q=0.8, zh;q=0.9", "zh"),
        ("zh;q=0.5, en;q=0.5", "zh"), ("en;q=0.5, zh;q=0.5", "en"), ("de, zh;q=0.1", "zh"),
        ("zh;q=0", "en"), ("zh;q=0, *", "en"), ("en;q=0, *;q=0.5", "zh"), ("en;q=0.1, *;q=0.5", "zh"), ("en;q=0", "en"),
        ("zhx", "en"), ("zh" * 5000, "en"),
    ],
)  # fmt: skip
def test_the_language_is_the_one_that_is_liked_best(accepted: str | None, language: str) -> None:
    assert chosen(accepted) == language
