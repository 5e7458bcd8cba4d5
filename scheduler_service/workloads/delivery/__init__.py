"""Bringing artifacts to people and programs: by e-mail, by webhook, into a folder."""
