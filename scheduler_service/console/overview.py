"""The overview: what needs the reader, whether everything is well, what failed, what runs, what comes."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.dependencies import Reading
from scheduler_service.console import sentences
from scheduler_service.console.charts.heat import Week, heat, hour_name
from scheduler_service.console.pages import Page, SignedInPage
from scheduler_service.services import overview
from scheduler_service.services.overview import LATE_GOAL_SECONDS
from scheduler_service.services.tallies import BUCKET

router = APIRouter(include_in_schema=False)

SHOWN = 6


@router.get("/")
def show_overview(page: Page, session: Reading) -> Response:
    """Everything at a glance."""
    goes_on = overview.now(session, at=page.now, shown=SHOWN)
    return page.show("overview/show.html", now=goes_on, **_standing(page), **_weeks(page), told=sentences.told)


@router.get("/overview/standing")
def show_standing(page: Page) -> Response:
    """What needs the reader, and the figures."""
    return page.show("overview/standing.html", **_standing(page))


@router.get("/overview/now")
def show_now(page: Page, session: Reading) -> Response:
    """What failed, runs and comes."""
    goes_on = overview.now(session, at=page.now, shown=SHOWN)
    return page.show("overview/now.html", now=goes_on, **_standing(page), told=sentences.told)


@router.get("/overview/weeks")
def show_weeks(page: Page) -> Response:
    """The past week and the coming one."""
    return page.show("overview/weeks.html", **_weeks(page))


@router.get("/overview/ruler")
def show_ruler(page: Page) -> Response:
    """What every page has under its top bar."""
    return page.show("parts/ruler.html")


def _standing(page: SignedInPage) -> dict[str, Any]:
    past = page.outlook.past()
    midnight = page.now.astimezone(page.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = [one for one in past if one.at >= midnight]
    hours = [0] * (int((page.now - midnight) / timedelta(hours=1)) + 1)
    for one in today:
        hours[int((one.at - midnight) / timedelta(hours=1))] += one.ran
    return {
        "needs": page.outlook.needs(),
        "vitals": page.outlook.vitals(),
        "goal": LATE_GOAL_SECONDS,
        "late": page.outlook.late(),
        "hours": hours,
        "today": {name: sum(getattr(one, name) for one in today) for name in ("ran", "wrong", "missed")},
    }


def _weeks(page: SignedInPage) -> dict[str, Any]:
    reader, plan = page.reader, page.outlook.plan()
    past = Week.of(
        reader, reader.today - timedelta(days=6), ((one.at, one.ran, one.wrong) for one in page.outlook.past())
    )
    coming = Week.of(
        reader,
        reader.today,
        ((plan.start + place * BUCKET, count, 0) for place, count in enumerate(plan.counts)) if plan else (),
    )
    past_label = page.say("Runs of the past seven days by hour, with the share that failed")
    coming_label = page.say("Planned runs of the coming seven days by hour")
    return {
        "past": past,
        "coming": coming if plan else None,
        "past_chart": heat(reader, past, past_label, ahead=False),
        "coming_chart": heat(reader, coming, coming_label, ahead=True),
        "hour_name": lambda at: hour_name(reader, at),
    }
