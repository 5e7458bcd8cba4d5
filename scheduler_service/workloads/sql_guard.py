"""SQL that people write, looked at before it runs: exactly one SELECT, of tables that are named plainly.

It reads nothing but tables of the warehouse, and calls no function with an effect. That is one of three walls: the
connection it runs on has no files, no network and no settings to change (`sql_running`), and the process has a bound
of memory and can be killed (`killable`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from scheduler_service.errors import SqlRefused

if TYPE_CHECKING:
    from sqlglot import Token, exp

Dialect = Literal["duckdb", "postgresql"]

_SQLGLOT = {"duckdb": "duckdb", "postgresql": "postgres"}
_TYPES: dict[type, str] = {
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    str: "TEXT",
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE PRECISION",
}
_BRACES = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Functions with an effect, or that run SQL of their own. What PostgreSQL's role may not do is not repeated here.
_EFFECTS = re.compile(
    r"pg_(?!typeof$|size_pretty$|column_size$).*|lo_.*|dblink.*|.*_to_xml(_and_xmlschema|schema)?|set_config"
    r"|setval|nextval|currval|lastval|setseed|query|query_table|getenv|sleep_ms|write_log|json_execute_.*|txid_.*"
)
#: Functions that give rows, and read nothing but their arguments.
_ROWS = re.compile(r"(range|generate_series|unnest|repeat|repeat_row|jsonb?_.*|regexp_.*|string_to_table)")
_NO_QUERY = "must be one SELECT"


@dataclass(frozen=True)
class Query:
    """One SELECT that may run: its text as the engine takes it, the tables it reads, the parameters in it."""

    text: str
    dialect: Dialect
    reads: frozenset[str]
    parameters: frozenset[str]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What to bind: the engines refuse a parameter that does not occur."""
        return {name: given[name] for name in self.parameters}


def checked(sql: str, dialect: Dialect, *, parameters: Mapping[str, type]) -> Query:
    """The query, when it may run. `{{ name }}` stands for a parameter, whose types are given. Raises: SqlRefused."""
    sql = sql.strip().removesuffix(";").rstrip()
    try:
        found = _parameters(sql, dialect, parameters)
        tree = _parsed(_replaced(sql, found, lambda name: f"CAST(NULL AS {_TYPES[parameters[name]]})"), dialect)
        _refuse_effects(tree)
        reads = frozenset(_reads(tree, dialect))
    except RecursionError:
        raise SqlRefused("is nested too deeply") from None
    text = _replaced(sql, found, lambda name: _bound(name, parameters[name], dialect), percent=dialect == "postgresql")
    return Query(text, dialect, reads, frozenset(name for name, _, _ in found))


def _parameters(sql: str, dialect: Dialect, known: Mapping[str, type]) -> list[tuple[str, int, int]]:
    """(name, start, end) of each `{{ name }}`, found before parsing: DuckDB's grammar takes it for nested structs."""
    tokens = _tokens(sql, dialect)
    found = []
    for token in tokens:
        if token.token_type.name not in ("L_BRACE", "R_BRACE") and _BRACES.search(token.text):
            raise SqlRefused(f"has a parameter inside quotes: {token.text[:60]}; it stands for a value by itself")
    for place, token in enumerate(tokens[:-4]):
        five = tokens[place : place + 5]
        if [one.text for one in five[:2]] != ["{", "{"] or five[1].start != token.start + 1:
            continue
        if [one.text for one in five[3:]] != ["}", "}"] or not _PARAMETER.fullmatch(five[2].text):
            raise SqlRefused("has {{ … }} that holds more than a name")
        if five[2].text not in known:
            raise SqlRefused(f"asks for the parameter {five[2].text!r}; there are {', '.join(sorted(known)) or 'none'}")
        found.append((five[2].text, token.start, five[4].end + 1))
    return found


def _tokens(sql: str, dialect: Dialect) -> "list[Token]":
    import sqlglot

    try:
        return sqlglot.tokenize(sql, read=_SQLGLOT[dialect])
    except sqlglot.errors.SqlglotError as why:
        raise SqlRefused(_first_line(why)) from None


def _replaced(sql: str, found: list[tuple[str, int, int]], by: Any, *, percent: bool = False) -> str:
    """The text with something else for each parameter; psycopg reads every other % twice."""
    parts, at = [], 0
    for name, start, end in [*found, ("", len(sql), len(sql))]:
        part = sql[at:start]
        parts.append(part.replace("%", "%%") if percent else part)
        parts.append(by(name) if name else "")
        at = end
    return "".join(parts)


def _bound(name: str, kind: type, dialect: Dialect) -> str:
    place = f"${name}" if dialect == "duckdb" else f"%({name})s"
    return f"CAST({place} AS {_TYPES[kind]})"


def _parsed(sql: str, dialect: Dialect) -> "exp.Query":
    import sqlglot
    from sqlglot import exp

    try:
        trees = sqlglot.parse(sql, read=_SQLGLOT[dialect])
    except sqlglot.errors.SqlglotError as why:
        raise SqlRefused(_first_line(why)) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise SqlRefused(_NO_QUERY)
    return trees[0]


def _refuse_effects(tree: "exp.Query") -> None:
    """Whatever writes, locks, or is no query, wherever it stands."""
    from sqlglot import exp

    statements = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Command, exp.Copy)
    others = (exp.Describe, exp.Show, exp.Summarize, exp.Into, exp.Lock, exp.Set, exp.Pragma, exp.NextValueFor)
    markers = (exp.Placeholder, exp.Parameter, exp.SessionParameter)
    for node in tree.walk():
        if isinstance(node, (*statements, *others)):
            raise SqlRefused(f"{_NO_QUERY}: it has {node.key.upper()} inside")
        if isinstance(node, exp.Pivot) and node.arg_key != "pivots":
            raise SqlRefused(f"{_NO_QUERY}: write PIVOT (… FOR … IN (…)) after a table")
        if isinstance(node, markers):
            raise SqlRefused("has a placeholder of its own; a parameter is written {{ name }}")
        if isinstance(node, exp.Func) and _EFFECTS.fullmatch(name := _function(node)):
            raise SqlRefused(f"calls {name}, which a query may not")


def _function(node: "exp.Func") -> str:
    from sqlglot import exp

    anonymous = isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc))
    return (node.name if anonymous else node.sql_name()).lower()


def _reads(tree: "exp.Query", dialect: Dialect) -> Iterator[str]:
    """The tables, as the engine knows them; what a WITH names is none."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope, traverse_scope

    named = {
        id(table)
        for scope in traverse_scope(tree)
        for table in scope.tables
        if isinstance(scope.sources.get(table.alias_or_name), Scope)
    }
    for node in tree.find_all(exp.Table, exp.Lateral):
        source = node.this
        if id(node) in named or isinstance(source, (exp.Subquery, exp.Unnest, exp.Explode)):
            continue
        if isinstance(source, exp.Func):
            _check_rows(source)
        elif not isinstance(source, exp.Identifier) or node.args.get("db") or node.args.get("catalog"):
            raise SqlRefused(f"reads {node.sql()[:60]}; name a dataset, without a schema")
        else:
            yield source.name if source.quoted and dialect == "postgresql" else source.name.lower()


def _check_rows(source: "exp.Func") -> None:
    from sqlglot import exp

    if not isinstance(source, exp.GenerateSeries) and not _ROWS.fullmatch(name := _function(source)):
        raise SqlRefused(f"reads {name}(…), which is no dataset")


def _first_line(why: Exception) -> str:
    """Without the excerpt, which is marked with control characters."""
    said = str(why).split("\n", 1)[0].removesuffix(".")
    return f"cannot be read: {said}" if said else "cannot be read"
