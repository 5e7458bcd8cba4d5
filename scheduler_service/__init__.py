"""A schedule service on Celery: schedules are rows, edited at runtime, read live by any number of Beats."""
