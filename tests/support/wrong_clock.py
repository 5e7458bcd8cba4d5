"""The clock of a host, wrong by WRONG_BY seconds, for the process that calls `set_wrong`."""

import os
import time
from datetime import UTC, datetime, timedelta

import time_machine


def set_wrong() -> None:
    wrong_by = float(os.environ.get("WRONG_BY", "0"))
    if wrong_by:
        wrong = datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=wrong_by)
        time_machine.travel(wrong, tick=True).start()
