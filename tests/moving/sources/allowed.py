"""A module that a mapping may allow a pickle to import."""

from enum import Enum


class Colour(Enum):
    """Pickles as a call of its class."""

    RED = 1
