"""Where a reader is sent on to: a path of ours, whatever an address, a form or a cookie says."""

from urllib.parse import urlsplit


def own_path(said: str | None, default: str = "/") -> str:
    """A path of ours, whatever somebody said: never another site."""
    if not said or not said.startswith("/") or said[1:2] in ("/", "\\") or any(ord(one) < 33 for one in said):
        return default
    parts = urlsplit(said)
    return said if not parts.scheme and not parts.netloc else default
