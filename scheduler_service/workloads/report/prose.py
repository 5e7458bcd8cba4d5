"""Markdown of a report's texts: as HTML, and as a tree that the PDF's template walks.

No HTML, no images; links lead to http, https and mailto only.
"""

import re
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

LINK = re.compile(r"(https?://|mailto:)[^\s]+", re.IGNORECASE)
LEAVES = ("text", "code_inline", "code_block", "fence")


@cache
def _parser() -> MarkdownIt:
    parser = (
        MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(["image", "reference"])
    )
    parser.validateLink = lambda url: LINK.fullmatch(url) is not None  # type: ignore[method-assign]
    return parser


def html_of(markdown: str) -> str:
    """As HTML that is safe to show."""
    rendered: str = _parser().render(markdown)
    return rendered


def tree_of(markdown: str) -> list[dict[str, Any]]:
    """As nodes: `type`, and `text` or `children`; a heading's `level`, a link's `href`, an ordered list's `start`."""
    return [_node(child) for child in SyntaxTreeNode(_parser().parse(markdown)).children]


def _node(node: SyntaxTreeNode) -> dict[str, Any]:
    made: dict[str, Any] = {"type": node.type}
    if node.type in LEAVES:
        return made | {"text": node.content.rstrip("\n")}
    if node.type == "heading":
        made["level"] = int(node.tag[1:])
    if node.type == "link":
        made["href"] = str(node.attrs["href"])
    if node.type == "ordered_list":
        made["start"] = int(node.attrs.get("start", 1))
    return made | {"children": [_node(child) for child in node.children]}
