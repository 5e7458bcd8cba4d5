"""Readers of other schedulers' stores, each by the store's own format."""
