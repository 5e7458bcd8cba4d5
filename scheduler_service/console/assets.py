"""The files that pages load. Read once, compressed once, and named by what is in them, so that browsers keep them."""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request, Response

from scheduler_service.errors import NotFound

STATIC = Path(__file__).parent / "static"
PLACE = "/static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER, AN_HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"
NOSNIFF = {"X-Content-Type-Options": "nosniff"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """A file: its type, its content plain and compressed, and what names this content."""

    media_type: str
    plain: bytes
    packed: bytes
    version: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "Asset":
        media_type = f"{TYPES[Path(name).suffix]}; charset=utf-8"
        return cls(media_type, content, gzip.compress(content, 9, mtime=0), sha256(content).hexdigest()[:12])


class Assets:
    """All of them, by name: our own, and htmx, which an installed package brings."""

    def __init__(self) -> None:
        contents = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES}
        contents["htmx.js"] = (files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js").read_bytes()
        self._all = {name: Asset.of(name, content) for name, content in contents.items()}

    def get(self, name: str) -> Asset:
        """Raises: NotFound."""
        if name not in self._all:
            raise NotFound(f"There is no file {name}.")
        return self._all[name]

    def url(self, name: str) -> str:
        """Where to load it from; another one when its content changes."""
        return f"{PLACE}/{name}?v={self._all[name].version}"


@router.get(PLACE + "/{name}")
def get_asset(name: str, request: Request, v: str = "") -> Response:
    """A file of a page."""
    asset = request.app.state.assets.get(name)
    headers = {"Cache-Control": FOREVER if v == asset.version else AN_HOUR, "Vary": "Accept-Encoding"} | NOSNIFF
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=asset.media_type)
    return Response(asset.plain, headers=headers, media_type=asset.media_type)
