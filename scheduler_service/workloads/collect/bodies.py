"""What is inside an answer's body: its JSON, its records, and where the next page is said to be."""

import json
from typing import Any

from scheduler_service.errors import NotJson, RecordsNotFound
from scheduler_service.workloads.collect.fetching import Answer, shown

MOST_NAMES = 20


def json_of(answer: Answer, excerpt: str) -> Any:
    """The body as JSON; an empty answer (204) is None. Raises NotJson, with the excerpt."""
    if answer.status == 204:
        return None
    try:
        return json.loads(answer.body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise NotJson(shown(answer.url), excerpt) from None


class Finder:
    """A JSONPath, ready to be asked. The path was validated with the definition."""

    def __init__(self, path: str) -> None:
        from jsonpath_ng.parser import parse

        self.path = path
        self._parsed: Any = parse(path)

    def first(self, body: Any) -> Any:
        """The first value there, or None."""
        return next((match.value for match in self._parsed.find(body)), None)

    def records(self, body: Any, where: str) -> list[Any]:
        """The records there: `$.items` and `$.items[*]` mean the same. Raises RecordsNotFound if nothing is there."""
        if body is None:
            return []
        values = [match.value for match in self._parsed.find(body)]
        if not values and not self._leads_to_nothing(body):
            raise RecordsNotFound(where, self.path, _names(body))
        records: list[Any] = []
        for value in values:
            if isinstance(value, list):
                records.extend(value)
            elif value is not None:
                records.append(value)
        return records

    def _leads_to_nothing(self, body: Any) -> bool:
        """Whether the path ends early in an empty list (or null): no records then, but no mistake."""
        from jsonpath_ng.jsonpath import Child

        path = self._parsed
        while isinstance(path, Child):
            path = path.left
            if found := [match.value for match in path.find(body)]:
                return all(value is None or value == [] for value in found)
        return False


def _names(body: Any) -> list[str]:
    return list(body)[:MOST_NAMES] if isinstance(body, dict) else []
