"""The sample app with tasks of which no message can be made, as careless apps have them."""

from typing import Any

from tests.support.sample_app import app


def route(name: str, *_: Any, **__: Any) -> None:
    if name == "odd.routed":
        raise KeyError("the router does not know it")


app.conf.task_routes = (route,)


@app.task(name="odd.routed")
def routed() -> None:
    """The app's own router raises."""


@app.task(name="odd.serialized", serializer="one that nobody installed")
def serialized() -> None:
    """Its serializer is not there."""
