"""Where data goes, drawn: what is made of what, from left to right.

Boxes of one size in columns, each as far right as its longest way from a source; in a column they stand near what they
are made of. Lengths are pixels, since a drawing this wide scrolls by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 176, 44
ACROSS, DOWN = 236, 60
TOP = 24
BEND = 30
#: Letters of 13 px that fit beside a mark, and without one; a Han one is as wide as two.
ROOM_MARKED, ROOM, ROOM_BELOW = 19, 22, 26

Shape = Literal["data", "step", "reader"]


@dataclass(frozen=True)
class Node:
    """What is drawn as a box: a dataset, a step that makes one, or what reads one; `state` as a run has it."""

    key: str
    name: str
    shape: Shape
    note: str = ""
    href: str = ""
    state: str | None = None


@dataclass(frozen=True)
class Box:
    """A node in its place, by the upper left corner."""

    node: Node
    x: int
    y: int

    @property
    def label(self) -> str:
        """The name, as far as there is room."""
        return shortened(self.node.name, ROOM if self.node.state is None else ROOM_MARKED)

    @property
    def note(self) -> str:
        """What is said below it, as far as there is room: its letters are smaller."""
        return shortened(self.node.note, ROOM_BELOW)


@dataclass(frozen=True)
class Wire:
    """From the right of a box to the left of another; `cut`: nothing has come through it."""

    path: str
    tip: str
    cut: bool


@dataclass(frozen=True)
class Drawing:
    """All of it, and how large it is."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    width: int
    height: int


def draw(nodes: Sequence[Node], edges: Iterable[tuple[str, str]], *, cut: Iterable[str] = ()) -> Drawing:
    """Place the nodes. Edges go by keys, from what is read to what is made of it; `cut` are those not reached."""
    pairs = [(source, target) for source, target in edges if source != target]
    columns = _columns(nodes, pairs)
    boxes = _placed(columns, pairs)
    not_reached = set(cut)
    wires = tuple(
        _wire(boxes[source], boxes[target], cut=target in not_reached)
        for source, target in pairs
        if source in boxes and target in boxes
    )
    rows = max((len(column) for column in columns), default=0)
    width = ACROSS * (len(columns) - 1) + WIDTH + 1
    return Drawing(tuple(boxes.values()), wires, max(width, 0), TOP + DOWN * rows)


def shortened(text: str, room: int) -> str:
    """As much of it as fits, the rest as three dots."""
    taken = 0
    for place, letter in enumerate(text):
        taken += 2 if letter >= "\u2e80" else 1
        if taken > room:
            return text[: max(place - 1, 1)] + "…"
    return text


def _columns(nodes: Sequence[Node], pairs: Sequence[tuple[str, str]]) -> list[list[Node]]:
    """By the longest way from a source. What goes in a circle stops where it began."""
    sources: dict[str, list[str]] = {node.key: [] for node in nodes}
    for source, target in pairs:
        if source in sources and target in sources:
            sources[target].append(source)
    ranks: dict[str, int] = {}
    for node in nodes:
        _rank(node.key, sources, ranks, ())
    columns: list[list[Node]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for node in nodes:
        columns[ranks[node.key]].append(node)
    return columns


def _rank(key: str, sources: Mapping[str, list[str]], ranks: dict[str, int], way: tuple[str, ...]) -> int:
    if key not in ranks:
        before = [_rank(source, sources, ranks, (*way, key)) for source in sources[key] if source not in (*way, key)]
        ranks[key] = max(before, default=-1) + 1
    return ranks[key]


def _placed(columns: Sequence[Sequence[Node]], pairs: Sequence[tuple[str, str]]) -> dict[str, Box]:
    """Each column in the order of the middles of what its boxes are made of, and itself in the middle."""
    boxes: dict[str, Box] = {}
    tallest = max((len(column) for column in columns), default=0)
    for number, column in enumerate(columns):
        middles = {node.key: _middle([boxes[a].y for a, b in pairs if b == node.key and a in boxes]) for node in column}
        start = TOP + (tallest - len(column)) * DOWN // 2
        for place, node in enumerate(sorted(column, key=lambda node: middles[node.key])):
            boxes[node.key] = Box(node, number * ACROSS, start + place * DOWN)
    return boxes


def _middle(heights: Sequence[int]) -> float:
    return sum(heights) / len(heights) if heights else 0.0


def _wire(source: Box, target: Box, *, cut: bool) -> Wire:
    """Out to the right, and bending where the gap before the target begins, so that a long one keeps its line."""
    x, y = source.x + WIDTH, source.y + HEIGHT // 2
    tip, end = target.x, target.y + HEIGHT // 2
    gap = tip - 2 * BEND
    path = f"M{x} {y}H{gap}C{gap + BEND} {y} {gap + BEND} {end} {tip - 5} {end}" if gap > x else ""
    path = path or f"M{x} {y}C{x + BEND} {y} {tip - BEND} {end} {tip - 5} {end}"
    return Wire(path, f"M{tip} {end}l-6-3.5v7z", cut)
