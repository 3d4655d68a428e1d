"""The outcome of a gate as files that build servers read: JUnit XML, and a summary in Markdown."""

from __future__ import annotations

from xml.etree import ElementTree

from interp.gate.check import Gate


def junit(gate: Gate) -> str:
    """Give the outcome as JUnit XML, a test case a condition.

    Parameters
    ----------
    gate
        Outcome of all conditions.

    Returns
    -------
    str
        XML document.

    Examples
    --------
    >>> from interp.gate.conditions import Outcome
    >>> print(junit(Gate("net.pt", "digits", (Outcome("dead>5%", False, "dead is 12.5%"),))))  # doctest: +ELLIPSIS
    <?xml version="1.0" encoding="utf-8"?>
    <testsuite name="interp check net.pt" tests="1" failures="1" errors="0" time="0.000"><testcase ...
    """
    failed = sum(not outcome.passed for outcome in gate.outcomes)
    counts = {"tests": str(len(gate.outcomes)), "failures": str(failed), "errors": "0", "time": f"{gate.seconds:.3f}"}
    suite = ElementTree.Element("testsuite", {"name": _plain(f"interp check {gate.network}"), **counts})
    for outcome in gate.outcomes:
        name = {"classname": _plain(gate.network), "name": _plain(outcome.condition), "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", name)
        if outcome.passed:
            ElementTree.SubElement(case, "system-out").text = _plain(outcome.found)
        else:
            ElementTree.SubElement(case, "failure", {"message": _plain(outcome.found)})
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    """Replace what XML cannot hold."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def summary(gate: Gate) -> str:
    """Give the outcome as a short page in Markdown, such as GitHub shows beside a build.

    Parameters
    ----------
    gate
        Outcome of all conditions.

    Returns
    -------
    str
        Markdown: a heading, and a table with a row a condition.

    Examples
    --------
    >>> from interp.gate.conditions import Outcome
    >>> print(summary(Gate("net.pt", "digits", (Outcome("dead>5%", True, "dead is 0.0%"),))).splitlines()[0])
    ## interp check: passed
    """
    failed = sum(not outcome.passed for outcome in gate.outcomes)
    rows = [
        f"| {'✅ pass' if outcome.passed else '❌ **fail**'} | {_cell(outcome.condition)} | {_cell(outcome.found)} |"
        for outcome in gate.outcomes
    ]
    lines = [
        f"## interp check: {'passed' if gate.passed else f'{failed} of {len(gate.outcomes)} conditions failed'}",
        "",
        f"{_cell(gate.network)} on {_cell(gate.data)}",
        "",
        "| | condition | found |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Escape what Markdown and HTML would take for their own."""
    safe = _plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*_[]|":
        safe = safe.replace(sign, f"\\{sign}")
    return safe
