from __future__ import annotations

from typing import NoReturn


class NotByHand(type):
    """The type of a class whose objects only the package makes: to call it says so.

    Not an `__init__`, which `help` would show as one that a user may call.
    """

    def __call__(cls, *_: object, **__: object) -> NoReturn:
        raise TypeError(f"a {cls.__name__} is not made by hand: {cls._comes_from}")

    _comes_from: str
