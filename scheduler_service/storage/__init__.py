"""The only room with SQL on the service's own tables, and the only one that commits."""
