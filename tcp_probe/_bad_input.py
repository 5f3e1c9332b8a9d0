from __future__ import annotations


class BadInput(Exception):  # noqa: N818 (it says what it is: the user's to mend, and no fault of ours)
    """What a command was given cannot be used; the text tells what was expected instead."""
