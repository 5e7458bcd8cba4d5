"""Pipelines: named SQL steps that turn datasets into others, all or nothing."""
