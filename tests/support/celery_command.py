"""The `celery` command on a host whose clock may be wrong."""

from celery.__main__ import main

from tests.support.wrong_clock import set_wrong

set_wrong()
main()
