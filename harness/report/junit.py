"""How the steps of runs ended, as the JUnit XML that CI services read."""

from xml.etree import ElementTree as ET

from harness.evidence.evidence import Evidence, RunEvidence, StepEvidence
from harness.terminal import readable

_SKIPPED = frozenset({"blocked", "interrupted"})


def render(evidence: Evidence) -> str:
    """A suite for each run, with a case for each of its steps.

    A failed step is a failure; one that waited for it, or was stopped, is skipped. The final J and
    F are properties of the suite.
    """
    root = ET.Element("testsuites", name="harness")
    for run in evidence.runs:
        _suite(root, run)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, run: RunEvidence) -> None:
    statuses = [step.status for step in run.steps.values()]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=run.id,
        tests=str(len(statuses)),
        failures=str(statuses.count("failed")),
        errors="0",
        skipped=str(sum(status in _SKIPPED for status in statuses)),
        time=f"{sum(map(_seconds, run.steps.values())):.3f}",
    )
    if final := run.scores.get("final"):
        properties = ET.SubElement(suite, "properties")
        for name, value in (("J", final.J), ("F", final.F)):
            ET.SubElement(properties, "property", name=name, value=f"{value:.2f}")
    for step in run.steps.values():
        _case(suite, run, step)


def _case(suite: ET.Element, run: RunEvidence, step: StepEvidence) -> None:
    time = f"{_seconds(step):.3f}"
    case = ET.SubElement(suite, "testcase", classname=run.id, name=step.name, time=time)
    error = readable(step.error or step.status)
    if step.status == "failed":
        failure = ET.SubElement(case, "failure", message=error.partition("\n")[0])
        failure.text = error
    elif step.status in _SKIPPED:
        ET.SubElement(case, "skipped", message=error.partition("\n")[0])


def _seconds(step: StepEvidence) -> float:
    return float(step.record["time"]["seconds"]) if step.record else 0.0
