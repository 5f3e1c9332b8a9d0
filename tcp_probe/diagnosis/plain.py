from __future__ import annotations


def plain(given: str) -> str:
    r"""Write what a terminal would obey as its escape (`\x1b`), except line ends.

    >>> plain("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    if given.isprintable():
        return given
    given = given.replace("\r\n", "\n").replace("\t", "    ")
    return "".join(
        each if each == "\n" or each.isprintable() else ascii(each)[1:-1] for each in given
    )
