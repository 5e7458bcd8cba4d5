"""The web console: pages for people, made here and shown by a browser. Knows HTML, and neither SQL nor Celery."""
