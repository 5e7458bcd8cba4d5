"""YAML as people keep it in git, read as what JSON can say and nothing else.

Only `true`, `false`, `null` and numbers are other than text, as in YAML 1.2: `on`, `12:30` and `2026-01-01` are what
they look like. Aliases are refused (a few lines of them unfold to gigabytes), and so are tags, a key that comes twice,
and what is nested too deeply for the parser, which is written in C and knows no bounds.
"""

import re
from collections.abc import Callable
from typing import Any

import yaml

from scheduler_service.errors import Malformed

DEEPEST = 64


class _Loader(yaml.CSafeLoader):
    """Makes scalars of JSON, lists, and mappings whose keys are texts as they are written."""

    yaml_implicit_resolvers: dict[str | None, Any] = {}  # noqa: RUF012 - as PyYAML declares it


def _scalar(_loader: _Loader, node: yaml.ScalarNode) -> Any:
    make = _MADE_BY[node.tag]
    try:
        return make(node.value)
    except ValueError:  # a tag that says so, or more digits than Python reads
        raise _refused("it is no number that can be read", node) from None


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refused("a key must be a text", key)
        if key.value in made:
            raise _refused(f"the key {key.value!r} comes twice", key)
        made[key.value] = loader.construct_object(value, deep=True)
    return made


def _refused(reason: str, at: Any) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, reason, at.start_mark)


#: YAML's core: what a plain scalar looks like, and what it becomes.
_CORE: dict[str, tuple[str, Callable[[str], Any]]] = {
    "null": (r"~|null|", lambda _: None),
    "bool": (r"true|false", lambda text: text == "true"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", int),
    "float": (r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)", float),
}
_TAG = "tag:yaml.org,2002:"
_MADE_BY: dict[str, Callable[[str], Any]] = {
    _TAG + "str": str,
    **{_TAG + name: make for name, (_, make) in _CORE.items()},
}
_Loader.yaml_constructors = {
    **dict.fromkeys(_MADE_BY, _scalar),
    _TAG + "seq": lambda loader, node: loader.construct_sequence(node, deep=True),
    _TAG + "map": _mapping,
    None: yaml.constructor.SafeConstructor.construct_undefined,
}
for _name, (_pattern, _) in _CORE.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), None)


class _Dumper(yaml.CSafeDumper):
    """No aliases, and a text of several lines as it looks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - there are none, whatever it is
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TAG + "str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
#: PyYAML writes YAML 1.1, where 1e3 is a text and needs no quotes.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(rf"^(?:{_CORE['float']})$"), None)


def read(content: bytes) -> Any:
    """What the document says. Raises: Malformed, with the line and column."""
    try:
        text = content.decode("utf-8-sig")
        _refuse_unbounded(text)
        return yaml.load(text, _Loader)
    except UnicodeDecodeError:
        raise Malformed("The body is not YAML in UTF-8.") from None
    except yaml.MarkedYAMLError as why:
        mark = why.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Malformed(f"The body is not YAML that can be taken{place}: {why.problem}.") from None
    except yaml.YAMLError as why:
        raise Malformed(f"The body is not YAML: {str(why).splitlines()[0]}.") from None


def written(document: Any) -> str:
    """The document as YAML, in the order that it has."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def _refuse_unbounded(text: str) -> None:
    """Look through the events, which the parser gives one by one, before it makes anything of them."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases are not taken", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _refused("it is nested too deeply", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
