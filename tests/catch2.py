# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads the XML report of a Catch2 (v2) program, also one that was cut off."""
import dataclasses
import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

SKIP = "skip: "  # WARN("skip: why") makes a skipped test: version 2 has no word for it


@dataclasses.dataclass
class Case:
    name: str
    outcome: str  # passed, failed, skipped
    seconds: float
    why: str
    detail: str


def read_report(path: pathlib.Path) -> Iterator[Case]:
    """The test cases in the order they ran. One without an end was running when the
    program died."""
    if not path.exists():
        return
    parser = ElementTree.XMLPullParser(["start", "end"])
    try:
        parser.feed(path.read_bytes().decode(errors="replace"))
    except ElementTree.ParseError:
        pass  # what came before the fault has been read
    started: ElementTree.Element | None = None
    for event, element in _events(parser):
        if element.tag != "TestCase":
            continue
        if event == "start":
            started = element
        else:
            started = None
            yield _case(element)
    if started is not None:
        yield Case(started.get("name", "?"), "failed", 0.0, "the program ended in this test", "")


def _events(parser: ElementTree.XMLPullParser) -> Iterator[tuple[str, ElementTree.Element]]:
    try:
        yield from parser.read_events()
    except ElementTree.ParseError:
        return


def _case(element: ElementTree.Element) -> Case:
    result = element.find("OverallResult")
    success = result is not None and result.get("success") == "true"
    seconds = float(result.get("durationInSeconds", "0")) if result is not None else 0.0
    name = element.get("name", "?")
    if not success:
        problems = list(_problems(element, []))
        output = "".join((result.findtext(tag) or "") for tag in ("StdOut", "StdErr")) if result is not None else ""
        return Case(name, "failed", seconds, "", "\n".join(problems) + "\n" + output.strip())
    for warning in element.iter("Warning"):
        text = (warning.text or "").strip()
        if text.startswith(SKIP):
            return Case(name, "skipped", seconds, text.removeprefix(SKIP), "")
    return Case(name, "passed", seconds, "", "")


def _problems(element: ElementTree.Element, sections: list[str]) -> Iterator[str]:
    """What failed inside a test case, with the sections and notes that led there."""
    notes: list[str] = []
    for child in element:
        text = (child.text or "").strip()
        if child.tag == "Section":
            yield from _problems(child, [*sections, child.get("name", "")])
        elif child.tag in ("Info", "Warning"):
            notes.append(text)
        elif child.tag in ("Failure", "Exception", "FatalErrorCondition"):
            yield _problem(child, sections, notes, f"{child.tag}: {text}")
            notes = []
        elif child.tag == "Expression":
            if child.get("success") != "true":
                yield _problem(child, sections, notes, _expression(child))
            notes = []


def _problem(element: ElementTree.Element, sections: list[str], notes: list[str], what: str) -> str:
    lines = [f"{element.get('filename')}:{element.get('line')}: {what}"]
    if sections:
        lines.append("  in section " + " / ".join(sections))
    for note in notes:
        lines += ["  " + line for line in note.splitlines()]
    return "\n".join(lines)


def _expression(element: ElementTree.Element) -> str:
    original = (element.findtext("Original") or "").strip()
    expanded = (element.findtext("Expanded") or "").strip()
    lines = [f"{element.get('type')}( {original} )"]
    if expanded != original:
        lines.append("  was " + expanded.replace("\n", "\n      "))
    for thrown in [*element.iter("Exception"), *element.iter("FatalErrorCondition")]:
        lines.append(f"  {thrown.tag}: {(thrown.text or '').strip()}")
    return "\n".join(lines)
