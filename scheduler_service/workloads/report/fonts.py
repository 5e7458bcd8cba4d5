"""The fonts that reports are set in: brought by packages, so that they look alike on every machine."""

from importlib.util import find_spec
from pathlib import Path

PACKAGES = {"manimgx_fonts_cjk": "", "fontpkg_noto_sans": "files"}


def folders() -> list[Path]:
    """Where they are."""
    found = []
    for package, inside in PACKAGES.items():
        spec = find_spec(package)
        assert spec is not None, package
        assert spec.submodule_search_locations is not None, package
        found.append(Path(spec.submodule_search_locations[0]) / inside)
    return found
