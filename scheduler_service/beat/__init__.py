"""The Beat process: wake, decide, publish. Any number may run at once."""
