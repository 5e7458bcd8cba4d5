"""`python -m scheduler_service.cli`: the command line without an installed script; `up` starts its children so."""

from scheduler_service.cli.main import main

main()
