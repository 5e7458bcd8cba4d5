"""The SELECT that reads a staged part as the types that the dataset has."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler_service.workloads.collect.staging import Part
from scheduler_service.workloads.identifiers import literal, quoted

SMALLEST_BUFFER = 4 * 2**20


@dataclass(frozen=True)
class Selection:
    """DuckDB's SQL, and the columns that it gives, under the dataset's names."""

    sql: str
    names: list[str]


def select(part: Part, columns: Mapping[str, str]) -> Selection:
    """The part's columns under the dataset's names and types; all-NULL ones are left out."""
    spelled = {name.casefold(): name for name in columns}
    wanted = [(name, spelled[name.casefold()]) for name, type_ in part.columns.items() if type_ is not None]
    if not wanted:
        first = next(iter(columns))
        return Selection(f"SELECT NULL AS {quoted(first)} FROM range({part.rows})", [first])
    if part.kind == "json":
        types = ", ".join(f"{literal(name)}: {literal(columns[target])}" for name, target in wanted)
        source = (
            f"read_json({literal(part.path)}, format = 'newline_delimited', columns = {{{types}}}, "
            f"maximum_object_size = {max(SMALLEST_BUFFER, part.longest + 1)})"
        )
        fields = [f"{quoted(name)} AS {quoted(target)}" for name, target in wanted]
    else:
        source = f"read_parquet({literal(part.path)})"
        fields = [f"{_cast(part, name, columns[target])} AS {quoted(target)}" for name, target in wanted]
    return Selection(f"SELECT {', '.join(fields)} FROM {source}", [target for _, target in wanted])


def _cast(part: Part, name: str, type_: str) -> str:
    column = quoted(name)
    if type_ == "JSON":
        return column if part.columns[name] == "JSON" else f"to_json({column})"
    if part.kind == "text" and part.dateformat and type_ in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        stated = f"CAST(try_strptime({column}, {literal(part.dateformat)}) AS {type_})"
        return f"coalesce({stated}, CAST({column} AS {type_}))"
    return f"CAST({column} AS {type_})"
