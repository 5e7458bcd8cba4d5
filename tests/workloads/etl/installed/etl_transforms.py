"""What an operator has installed beside the worker."""

from datetime import datetime
from typing import Any

import polars


def doubled(frames: dict[str, polars.DataFrame], *, occurrence_at: datetime, **_: Any) -> polars.LazyFrame:
    return frames["orders"].lazy().with_columns(amount=polars.col("amount") * 2, until=polars.lit(occurrence_at))
