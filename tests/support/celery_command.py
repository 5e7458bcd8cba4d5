"""The `celery` command on a host whose clock may be wrong: by WRONG_BY seconds."""

import os
import time
from datetime import UTC, datetime, timedelta

import time_machine
from celery.__main__ import main

wrong_by = float(os.environ.get("WRONG_BY", "0"))
if wrong_by:
    wrong = datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=wrong_by)
    time_machine.travel(wrong, tick=True).start()
main()
