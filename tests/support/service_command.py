"""The `scheduler-service` command on a host whose clock may be wrong."""

from scheduler_service.cli.main import main
from tests.support.wrong_clock import set_wrong

set_wrong()
main()
