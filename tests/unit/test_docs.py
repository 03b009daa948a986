"""The documentation says what the code does: pages that rot fail here."""

import dataclasses
import datetime as dt
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.errors import HarnessError
from harness.layout import ProjectLayout, RunLayout
from harness.manifest import catalogue, contract, model
from harness.manifest.load import load_catalogue
from harness.plan.compatibility import drives
from harness.runtimes.runtime import Cause, Command, Exit
from harness.store import records
from tests import toy
from tests.fakes import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CLI, MANIFESTS, RECORDS, EXITS = (
    (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("cli", "manifests", "records", "exit-codes")
)


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    left_out = {"runs", "build", "dist"}
    folders = (f for f in ROOT.iterdir() if f.name not in left_out and f.name[0] != ".")
    found = [*ROOT.glob("*.md"), ROOT / "runs" / "README.md"]
    found += (page for folder in folders for page in folder.rglob("*.md"))
    return sorted(page.relative_to(ROOT) for page in found)


def commands() -> dict[str, Any]:
    """Every command by its words, groups left out."""
    return dict(_leaves(typer.main.get_command(app), ()))


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _leaves(inner, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), command


def flags(command: Any) -> set[str]:
    names = (name for parameter in command.params for name in parameter.opts)
    return {name for name in names if name.startswith("--")}


def section(page: str, start: str) -> str:
    """The text under the first heading that starts with `start`."""
    found = re.search(rf"^## {re.escape(start)}.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"no section {start!r}"
    return found[0]


def code_words(page: str) -> set[str]:
    """The words that stand in code spans and code blocks."""
    blocks = re.findall(r"```.*?```", page, re.DOTALL)
    spans = re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    return set(re.findall(r"\w+", " ".join((*blocks, *spans))))


def fields(of: Any, *inner: str) -> set[str]:
    """The keys of a mapping and of those below it that are named."""
    return set(of).union(*(of[name] for name in inner))


@pytest.mark.parametrize("words", sorted(commands()))
def test_every_command_shows_its_help(words: str) -> None:
    shown = CliRunner().invoke(app, [*words.split(), "--help"])
    assert shown.exit_code == 0, shown.exception
    texts = [parameter.help or "" for parameter in commands()[words].params]
    assert not [text for text in texts if "[" in text]  # it would be read as markup


def test_schema_files_are_what_the_code_writes(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["manifest", "schema", str(tmp_path)]).exit_code == 0
    written, kept = schemas(tmp_path), schemas(DOCS / "schema")
    # Written by hand; real records and news are checked against them.
    for name in ("run_record", "step_record", "news"):
        kept.pop(f"{name}.schema.json")
    assert kept == written, "if meant: make schema"


def schemas(folder: Path) -> dict[str, str]:
    files = folder.rglob("*.schema.json")
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in files}


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_a_section_with_its_json(name: str) -> None:
    text = section(CLI, f"`harness {name}")
    assert ("```json" in text) == ("--json" in flags(commands()[name]))


def test_every_option_is_documented_and_no_other() -> None:
    root = typer.main.get_command(app)
    known = flags(root).union(*(flags(command) for command in commands().values()))
    known |= {"--help", "--install-completion", "--show-completion"}
    named = set(re.findall(r"--[A-Za-z][a-z-]*", CLI))
    assert named == known


def test_every_error_stands_in_the_table_of_exit_codes() -> None:
    rows = dict(re.findall(r"^\| (\d+) \|(.*)$", EXITS, re.MULTILINE))
    waiting = [HarnessError]
    while waiting:
        error = waiting.pop()
        if error.__module__ == "harness.errors":
            assert f"`{error.__name__}`" in rows[str(error.exit_code)]
        waiting += error.__subclasses__()


def test_every_field_of_a_manifest_is_documented() -> None:
    kinds = [one for module in (model, catalogue, contract) for one in vars(module).values()]
    values = [kind for kind in kinds if dataclasses.is_dataclass(kind)]
    wanted = {field.name for kind in values for field in dataclasses.fields(kind)}
    assert wanted <= code_words(MANIFESTS)


def test_every_kind_of_contract_is_documented() -> None:
    kinds = get_args(get_args(contract.Contract)[0])
    names = {get_args(kind.__annotations__["kind"])[0] for kind in kinds}
    table = MANIFESTS.partition("### Outputs and contracts")[2].partition("### ")[0]
    assert names | {"kind"} == set(first_column(f"{table}\n| `kind` |"))


def test_every_part_of_a_key_is_documented() -> None:
    plan = toy.plan()
    parts = set[str]().union(*(step.key_inputs for step in plan.steps.values()))
    assert parts | {"source", "provisional"} == set(first_column(section(RECORDS, "Keys")))


def first_column(text: str) -> list[str]:
    """The code spans of a table's first column."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def schema_of(kind: str) -> dict[str, Any]:
    path = DOCS / "schema" / f"{kind}_record.schema.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert document["properties"]["schema"]["const"] == records.SCHEMA
    return document


def test_every_field_of_a_step_record_is_documented() -> None:
    step = next(iter(toy.plan().steps.values()))
    command = Command(
        name="c",
        environment=ENVIRONMENT,
        argv=step.argv,
        env={},
        cwd=PurePosixPath("/work"),
        mounts=(),
        resources=step.resources,
        threads=1,
    )
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    record = records.step_record(
        step,
        command=command,
        sources={},
        runtime={},
        about=records.About(),
        started=now,
        ended=now,
        exit_=Exit(cause=Cause.DONE, code=0),
        fault=None,
        attempt={},
        outputs={},
        error=None,
    )
    text = section(RECORDS, "Step record")
    assert set(first_column(text)) == set(record)
    assert set(schema_of("step")["required"]) == set(record)
    inner = (
        "identity",
        "asked",
        "command",
        "determinism",
        "container",
        "host",
        "use",
        "time",
        "exit",
    )
    assert fields(record, *inner) <= code_words(text)
    assert {cause.value for cause in Cause} - {"interrupted"} <= set(re.findall(r"`([^`]+)`", text))


def test_every_field_of_a_run_record_is_documented() -> None:
    planned = toy.plan().runs[0]
    record = {**records.run_record(planned, "done", {}, {}, {}, plan="p"), "code": {}}
    text = section(RECORDS, "Run record")
    assert set(first_column(text)) == set(record)
    assert set(schema_of("run")["required"]) == set(record)
    assert set(record["run"]) <= code_words(text)


def test_every_folder_of_runs_is_documented() -> None:
    layout = RunLayout(Path("/runs"))
    places = [layout.trust, layout.attempts, layout.store, layout.plans, layout.runs]
    places += [layout.lease("k"), layout.stages("k"), layout.build_log("k")]
    for place in places:
        assert f"| `{place.relative_to(layout.root).parts[0]}" in RECORDS


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        found = (ROOT / page).parent / target if target else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{page}: {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def calls(page: str) -> Iterator[list[str]]:
    """Every call of harness in code spans and code blocks, as words after `harness`."""
    blocks = re.findall(r"```.*?```", page, re.DOTALL)
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    lines = [line for block in blocks for line in block.splitlines()]
    for text in (*lines, *spans):
        for call in re.split(r"[;|&]|#.*", " ".join(text.split())):
            words = call.split()
            if words[:1] == ["harness"] and len(words) > 1:
                yield words[1:]


@pytest.mark.parametrize("page", pages(), ids=str)
def test_commands_and_options_that_pages_name_exist(page: Path) -> None:
    known = commands()
    first = {name.split()[0] for name in known}
    for words in calls((ROOT / page).read_text(encoding="utf-8")):
        named = [word.strip("[]").split("=")[0] for word in words if re.match(r"\[?--[a-z]", word)]
        if words[0].startswith(("-", "[")):  # options of harness itself
            assert set(named) <= flags(typer.main.get_command(app)) | {"--help"}, words
            continue
        assert words[0] in first, f"{page}: harness {' '.join(words)}"
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        assert name in known or len(words) == 1, f"{page}: harness {' '.join(words)}"
        if name in known:
            assert set(named) <= flags(known[name]) | {"--help"}, f"{page}: harness {words}"


def test_the_index_lists_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    ours = (page.relative_to("docs") for page in pages() if page.parts[0] == "docs")
    missing = [page.as_posix() for page in ours if f"({page.as_posix()})" not in index]
    assert missing == ["README.md"]


def test_the_readme_names_the_stack_of_newer_cards_before_the_commands() -> None:
    stacks = load_catalogue(ProjectLayout(ROOT)).stacks
    assert not drives(stacks["cu117"], (9, 0))
    assert drives(stacks["cu117"], (8, 9))
    assert drives(stacks["cu130"], (9, 0))
    before, _, _ = (ROOT / "README.md").read_text(encoding="utf-8").partition("harness doctor")
    assert "GPUs of compute capability 9.0 and higher" in before
    assert "need `--stack cu130`" in before


def test_the_picture_of_layers_is_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    picture = " ─► ".join(layers).replace("harness.", "")
    assert picture in (DOCS / "architecture.md").read_text(encoding="utf-8")


def test_decisions_are_one_page_each() -> None:
    for number, page in enumerate(sorted((DOCS / "decisions").iterdir()), start=1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert len(text.splitlines()) <= 35
        for part in ("Context", "Decision", "Alternatives", "Consequences"):
            assert f"**{part}.**" in text
