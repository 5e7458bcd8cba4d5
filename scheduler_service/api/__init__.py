"""The REST API: routes by noun, schemas, problems. Knows HTTP, and neither SQL nor Celery."""
