"""The worker process: claims runs before it executes them, records what became of them, says that it lives.

`track(app)` gives all this to any Celery app.
"""

from scheduler_service.worker.tracking import track

__all__ = ["track"]
