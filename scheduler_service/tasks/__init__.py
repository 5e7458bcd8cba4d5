"""The Celery tasks, thin: read the definition, call the workload, return what came out."""
