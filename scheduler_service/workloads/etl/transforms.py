"""Steps that are functions of the operator's: polars frames in, one frame out.

They are found by entry point, so what is installed beside the worker decides what may run, and no definition.
"""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from scheduler_service.errors import QueryFailed
from scheduler_service.workloads.etl.tables import Source
from scheduler_service.workloads.sql_running import DuckEngine, Engine, PostgresEngine

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = "scheduler_service.transforms"
FRAME = "_etl_frame"


def known() -> list[str]:
    """The names that a step may give."""
    return sorted(one.name for one in entry_points(group=GROUP))


def transformed(engine: Engine, what: str, transform: str, reads: dict[str, str], values: dict[str, Any]) -> Source:
    """Call it with the datasets that it reads (by name: as SQL), and let what it returns be read as a source.

    Raises: QueryFailed, for an unknown one, one that fails, and what is no frame.
    """
    function = _found(what, transform)
    frames = {name: _frame(what, _read(engine, what, table)) for name, table in reads.items()}
    try:
        made = _arrow(function(frames, **values))
    except Exception as why:  # it is somebody else's code
        raise QueryFailed(what, f"{transform} failed with {type(why).__name__}: {why}") from why
    return Source(what, f"SELECT * FROM {_registered(engine, what, made)}")


def _found(what: str, transform: str) -> Any:
    for one in entry_points(group=GROUP, name=transform):
        return one.load()
    raise QueryFailed(what, f"no transform is named {transform!r}; installed are {', '.join(known()) or 'none'}")


def _read(engine: Engine, what: str, table: str) -> "pa.Table":
    import pyarrow as pa

    select = f"SELECT * FROM {table}"
    if isinstance(engine, DuckEngine):
        return engine.execute(what, select).to_arrow_table()
    found = engine.execute(what, select)
    names, rows = [one.name for one in found.description], found.fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({name: pa.array(column) for name, column in zip(names, columns, strict=True)})


def _frame(what: str, table: "pa.Table") -> Any:
    try:
        import polars
    except ImportError:
        raise QueryFailed(what, "needs polars, which is not installed: scheduler-service[polars]") from None
    return polars.from_arrow(table)


def _arrow(made: Any) -> "pa.Table":
    """Of a polars frame, lazy or not, or whatever else speaks Arrow."""
    import pyarrow as pa

    return pa.table(made.collect() if hasattr(made, "collect") else made)


def _registered(engine: Engine, what: str, made: "pa.Table") -> str:
    if isinstance(engine, DuckEngine):
        engine.connection.register(FRAME, made)
        return FRAME
    return _copied(engine, what, made)


def _copied(engine: PostgresEngine, what: str, made: "pa.Table") -> str:
    from psycopg.types.json import Jsonb

    from scheduler_service.workloads.identifiers import quoted

    types = {field.name: _type_of(field.type) for field in made.schema}
    columns = ", ".join(f"{quoted(name)} {type_}" for name, type_ in types.items())
    engine.execute(what, f"DROP TABLE IF EXISTS pg_temp.{FRAME}")
    engine.execute(what, f"CREATE TEMP TABLE {FRAME} ({columns}) ON COMMIT DROP")
    nested = [type_ == "jsonb" for type_ in types.values()]
    with engine.connection.cursor().copy(f"COPY pg_temp.{FRAME} FROM STDIN") as copy:
        for batch in made.to_batches(max_chunksize=10_000):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row([Jsonb(one) if deep else one for one, deep in zip(row, nested, strict=True)])
    return f"pg_temp.{FRAME}"


def _type_of(type_: "pa.DataType") -> str:
    """PostgreSQL's type for Arrow's."""
    import pyarrow as pa

    kinds = {
        "boolean": pa.types.is_boolean,
        "bigint": pa.types.is_integer,
        "double precision": pa.types.is_floating,
        "numeric": pa.types.is_decimal,
        "date": pa.types.is_date,
        "time": pa.types.is_time,
        "bytea": lambda one: pa.types.is_binary(one) or pa.types.is_large_binary(one),
        "jsonb": pa.types.is_nested,
    }
    if pa.types.is_timestamp(type_):
        return "timestamptz" if type_.tz else "timestamp"
    return next((name for name, is_it in kinds.items() if is_it(type_)), "text")
