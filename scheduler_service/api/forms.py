"""What an HTML form posts."""

from urllib.parse import parse_qsl

from fastapi import Request

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 5000
Fields = list[tuple[str, str]]


async def fields_of(request: Request) -> Fields:
    """The fields of a form as they were filled in; none, when the body is something else, or holds too many."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return []
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return []
