"""What the tasks do: bring data in, transform it, report it. Speaks the warehouse's SQL, never the service's."""
