"""On which line of a YAML text a field stands, so that what is wrong with it can be told where it was written."""

from collections.abc import Iterator

import yaml


def lines_of(text: str) -> dict[str, int]:
    """The line of each field by its path, such as `steps.0.sql`, from 1 on. The text must be one that can be read."""
    root = yaml.compose(text, yaml.CSafeLoader)
    return dict(_places(root, "")) if root is not None else {}


def line_of(lines: dict[str, int], path: str) -> int | None:
    """Of the field, or of the nearest one around it, where it is left out."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)


def _places(node: yaml.Node, path: str) -> Iterator[tuple[str, int]]:
    under = f"{path}." if path else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{under}{key.value}", key.start_mark.line + 1
            yield from _places(value, f"{under}{key.value}")
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield f"{under}{number}", item.start_mark.line + 1
            yield from _places(item, f"{under}{number}")
