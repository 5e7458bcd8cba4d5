"""When a schedule comes due, and what to do about it.

A timing is a value: equal timings name the same instants, and asking one for its next instant changes nothing.
Instants are aware and, when returned, in UTC. Nothing here reads a file of ours, a socket or a database, so that
Beat, the API, the preview and the tests all get the same answer from the same code.
"""
