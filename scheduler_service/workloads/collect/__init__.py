"""Collect: stage what a source has, with no lock held; then rows, schema and cursor in one transaction."""
