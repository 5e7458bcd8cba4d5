"""A Celery app with a `beat_schedule`, as somebody would bring it."""

from datetime import timedelta
from decimal import Decimal

from celery import Celery
from celery.schedules import crontab

app = Celery("shop", set_as_current=False)
app.conf.update(
    timezone="Europe/Berlin",
    beat_schedule={
        "nightly": {
            "task": "shop.close",
            "schedule": crontab(minute=30, hour="2,4", day_of_week="1-5"),
            "args": (1,),
            "kwargs": {"a": "b"},
            "options": {"queue": "heavy", "expires": 30, "shadow": "x"},
        },
        "often": {"task": "shop.count", "schedule": 90.0},
        "rounded": {"task": "shop.count", "schedule": timedelta(hours=1), "relative": True},
        "odd": {"task": "shop.count", "schedule": crontab(), "args": (Decimal("1.5"),)},
    },
)
