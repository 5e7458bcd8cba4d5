"""The sentences that the service writes down, found in its own source, with `{name}` for each value in them.

A sentence is what comes to where one is told: the reason of a field's problem, the text of an error, why a run is as
it is, what the doctor found. From there it is followed back: through names, choices, what a function gives back, and
the parameters by which a function is told it.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "scheduler_service"
#: Of these rooms nothing reaches a page: they talk to a terminal or a log, or write their pages by themselves.
SILENT = (
    "api/events.py",
    "beat/adoption.py",
    "beat/wakeup.py",
    "cli/",
    "client/",
    "moving/",
    "services/events.py",
    "services/readiness.py",
    "settings.py",
    "storage/session.py",
    "worker/app.py",
    "workloads/connection_files.py",
    "workloads/connections.py",
    "workloads/warehouse_postgresql.py",
)
#: Where a sentence is told: the place of the argument, and its name.
TOLD = {
    "FieldProblem": {(1, "reason")},
    "field": {(1, "reason")},
    "PydanticCustomError": {(1, "message_template")},
    "StepProblem": {(2, "reason")},
    "BadField": {(0, "")},
    "Finding": {(1, "subject"), (2, "sentence"), (3, "mend")},
    "Invariant": {(1, "mend"), (2, "subject"), (3, "sentence")},
}
KEPT = {"reason", "completed_reason", "quarantine_reason", "paused_reason"}
WHY = {"reason", "why"}
#: The sentence of a `ValueError` is told where a validator of pydantic raises it.
VALIDATED = "workloads/"
DEEPEST = 9
PLACE = re.compile(r"\{\w*\}")

Function = ast.FunctionDef | ast.Lambda
Sinks = dict[str, set[tuple[int, str]]]


@dataclass
class Room:
    """A module, and what it defines."""

    path: Path
    tree: ast.Module
    functions: dict[str, list[ast.FunctionDef]] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    #: Those of all rooms, of which there is one of that name.
    elsewhere: dict[str, list[ast.FunctionDef]] = field(default_factory=dict)
    #: Of each node the function around it, and of a function its class.
    around: dict[ast.AST, ast.AST] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its path in the package."""
        return self.path.relative_to(PACKAGE).as_posix()

    @classmethod
    def read(cls, path: Path) -> "Room":
        room = cls(path, ast.parse(path.read_text(encoding="utf-8")))
        for node in ast.walk(room.tree):
            if isinstance(node, ast.FunctionDef):
                room.functions.setdefault(node.name, []).append(node)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                room.around |= {inner: node for inner in ast.walk(node) if inner is not node}
        for node in room.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                room.constants[node.targets[0].id] = node.value
        return room


@dataclass(frozen=True)
class Told:
    """A sentence, and where it is written."""

    text: str
    place: str


@cache
def written() -> list[Told]:
    """Every sentence of the package that may reach a page."""
    rooms = [Room.read(path) for path in sorted(PACKAGE.rglob("*.py"))]
    rooms = [room for room in rooms if not room.name.startswith(SILENT)]
    shared = {name: value for room in rooms for name, value in room.constants.items()}
    functions: dict[str, list[ast.FunctionDef]] = {}
    for room in rooms:
        for name, made in room.functions.items():
            functions.setdefault(name, []).extend(made)
    for room in rooms:
        room.constants = shared | room.constants
        room.elsewhere = {name: made for name, made in functions.items() if len(made) == 1}
    sinks = {name: set(places) for name, places in (TOLD | {name: {(0, "")} for name in _plain_errors(rooms)}).items()}
    found: list[Told] = []
    size = -1
    while size != sum(map(len, sinks.values())):  # a function may turn out to pass on what another is told
        size = sum(map(len, sinks.values()))
        found = [told for room in rooms for told in _Walk(room, sinks).sentences()]
    return found


def _plain_errors(rooms: list[Room]) -> Iterator[str]:
    """Errors that are told their whole sentence."""
    for room in rooms:
        if room.name == "errors.py":
            classes = [node for node in room.tree.body if isinstance(node, ast.ClassDef)]
            errors = [
                one for one in classes if one.bases and not any(isinstance(it, ast.FunctionDef) for it in one.body)
            ]
            yield from (one.name for one in errors)


class _Walk:
    def __init__(self, room: Room, sinks: Sinks) -> None:
        self.room, self.sinks = room, sinks

    def sentences(self) -> Iterator[Told]:
        for node in ast.walk(self.room.tree):
            for expression in self._told_by(node):
                self._follow(expression, node)
                for text in self._texts(expression):
                    if _says(text):
                        yield Told(text, f"{self.room.name}:{expression.lineno}")

    def _told_by(self, node: ast.AST) -> Iterator[ast.expr]:
        if isinstance(node, ast.Call):
            yield from self._arguments(node)
        elif isinstance(node, ast.Assign):
            yield from (
                value
                for target, value in _pairs(node, self._given)
                if isinstance(target, ast.Attribute) and target.attr in KEPT
            )
        elif isinstance(node, ast.Dict):
            keys = [(key.value if isinstance(key, ast.Constant) else None) for key in node.keys]
            yield from (value for key, value in zip(keys, node.values, strict=True) if key in KEPT)

    def _arguments(self, call: ast.Call) -> Iterator[ast.expr]:
        name = _name(call.func)
        places = set(self.sinks.get(name, ()))
        if name == "field" and not ast.unparse(call.func).startswith(("Invalid", "cls.", "errors.Invalid")):
            places = set()
        if name == "__init__" and self.room.name == "errors.py":
            places = {(0, "")}
        if name == "ValueError" and self.room.name.startswith(VALIDATED):
            places = {(0, "")}
        yield from (argument for place, argument in enumerate(call.args) if place in {at for at, _ in places})
        named = {name for _, name in places} | WHY | KEPT
        yield from (keyword.value for keyword in call.keywords if keyword.arg in named)

    def _follow(self, expression: ast.expr, node: ast.AST) -> None:
        """A parameter that is told, or told in full within a sentence, makes its function one that is told."""
        function = self.room.around.get(node)
        if not isinstance(function, ast.FunctionDef):
            return
        whole = {expression.id} if isinstance(expression, ast.Name) else set()
        within = {one.id for one in ast.walk(expression) if isinstance(one, ast.Name) and one.id in WHY}
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
        method = bool(names) and names[0] in ("self", "cls")
        around = self.room.around.get(function)
        name = around.name if function.name == "__init__" and isinstance(around, ast.ClassDef) else function.name
        for wanted in whole | within:
            if wanted in names and name != "field":
                self.sinks.setdefault(name, set()).add((names.index(wanted) - method, wanted))

    def _texts(self, node: ast.expr, depth: int = 0) -> list[str]:  # noqa: C901 one case for each kind of node
        """Everything that it may say."""
        if depth > DEEPEST:
            return ["{}"]
        again = depth + 1
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=values):
                return _each(self._texts(one, again) for one in values)
            case ast.FormattedValue(value=ast.Call(func=func) as value) if _name(func) in self.room.elsewhere.keys() - (
                self.room.functions.keys()
            ):
                return [f"{{{_called(value)}}}"]
            case ast.FormattedValue(value=value):
                said = self._texts(value, again)
                return said if any(map(_says, said)) else [f"{{{_called(value)}}}"]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _each((self._texts(left, again), self._texts(right, again)))
            case ast.IfExp(body=body, orelse=orelse):
                return [*self._texts(body, again), *self._texts(orelse, again)]
            case ast.Subscript(value=ast.Name(id=name)) if isinstance(known := self.room.constants.get(name), ast.Dict):
                return [text for value in known.values for text in self._texts(value, again)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self._texts(value, again)]
            case ast.Lambda(body=body):
                return self._texts(body, again)
            case ast.Name(id=name):
                values = [
                    *self._assigned(name, self.room.around.get(node, node)),
                    *([self.room.constants[name]] if name in self.room.constants else []),
                ]
                return [text for value in values for text in self._texts(value, again)] or ["{}"]
            case ast.Attribute(attr=name) if name.isupper() and name in self.room.constants:
                return self._texts(self.room.constants[name], again)
            case ast.Call(func=ast.Attribute(value=ast.Dict(values=values), attr="get"), args=[_, default]):
                return [text for value in (*values, default) for text in self._texts(value, again)]
            case ast.Call(func=func):
                given = [value for made in self._given(_name(func)) for value in self._texts(made, again)]
                return given if any(_says(text) for text in given) else ["{}"]
        return ["{}"]

    def _assigned(self, name: str, function: ast.AST) -> Iterator[ast.expr]:
        """What the name is given in the function."""
        for node in ast.walk(function):
            if isinstance(node, ast.NamedExpr) and node.target.id == name:
                yield node.value
            elif isinstance(node, ast.Assign):
                for target, value in _pairs(node, self._given):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield value

    def _given(self, name: str) -> list[ast.expr]:
        """What functions of this name give back."""
        functions = self.room.functions.get(name) or self.room.elsewhere.get(name, [])
        return [
            node.value
            for one in functions
            for node in ast.walk(one)
            if isinstance(node, ast.Return) and node.value is not None
        ]


Given = Callable[[str], list[ast.expr]]


def _pairs(node: ast.Assign, given: Given) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target with its value, those of a tuple one by one, also where a function gives the tuple back."""
    target = node.targets[0]
    if not isinstance(target, ast.Tuple):
        yield target, node.value
        return
    for values in _tuples(node.value, given):
        yield from zip(target.elts, values.elts, strict=False)


def _tuples(value: ast.expr, given: Given, depth: int = 0) -> Iterator[ast.Tuple]:
    if isinstance(value, ast.Tuple):
        yield value
    elif isinstance(value, ast.IfExp):
        yield from (*_tuples(value.body, given, depth), *_tuples(value.orelse, given, depth))
    elif isinstance(value, ast.Call) and depth < DEEPEST:
        for one in given(_name(value.func)):
            yield from _tuples(one, given, depth + 1)


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _each(choices: Iterator[list[str]] | tuple[list[str], ...]) -> list[str]:
    return ["".join(parts) for parts in product(*choices)]


def _says(text: str) -> bool:
    """Whether there is a word in it beside its values."""
    return any(letter.isalpha() for letter in PLACE.sub("", text))


def _called(value: ast.expr) -> str:
    """A name for a value, after the last name in it."""
    names = [part for part in re.findall(r"[A-Za-z_]+", ast.unparse(value)) if part not in ("join", "str", "len")]
    return names[-1].strip("_").lower() if names else "value"
