"""News of an execution, to a real server and to real programs; its failure ends nothing."""

import json
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.commands.notify import Address, Command, NotSentError, parse_receiver
from harness.errors import UsageError
from tests.project import Project, finish, interrupt, step, wait_for, writes

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schema" / "news.schema.json").read_text()
)
GOOD = step("middle", writes("middle"))
BAD = step("middle", "import sys; sys.exit('it broke')")
#: Waits until somebody has written the file that its output folder names.
WAITS = step(
    "middle",
    "import sys, time, pathlib; out = pathlib.Path(sys.argv[1]); (out / 'half').write_text('x')\n"
    "while not pathlib.Path({go!r}).exists(): time.sleep(0.05)\n"
    "(out / 'file').write_text('done')",
)


class Server(ThreadingHTTPServer):
    """Takes what is posted; answers with `status`."""

    def __init__(self) -> None:
        self.news: list[dict[str, Any]] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/secret"

    @property
    def events(self) -> list[str]:
        return [one["event"] for one in self.news]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/json"
        self.server.news.append(json.loads(text))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_the_end_is_told(tmp_path: Path, server: Server) -> None:
    project = Project(tmp_path, GOOD)
    code, document, _ = project.reproduce("--notify", server.url)
    assert code == 0
    assert server.events == ["done"]
    (news,) = server.news
    jsonschema.validate(news, SCHEMA)
    assert news["totals"] == {"steps": 3, "done": 3, "failed": 0, "blocked": 0}
    assert news["plan"] == document["plan"]
    assert news["runs"] == str(project.runs)
    assert "finished; 3 of 3 steps done" in news["text"]


def test_a_failure_is_told_when_it_happens_and_at_the_end(tmp_path: Path, server: Server) -> None:
    project = Project(tmp_path, BAD)
    code, _, _ = project.reproduce("--notify", server.url)
    assert code == 6
    assert server.events == ["step failed", "failed"]
    for one in server.news:
        jsonschema.validate(one, SCHEMA)
    assert "middle of toy failed" in server.news[0]["text"]
    assert server.news[1]["exit_code"] == 6
    assert server.news[1]["totals"]["failed"] == 1


def test_what_ends_the_command_before_its_steps_is_told(tmp_path: Path, server: Server) -> None:
    project = Project(tmp_path, GOOD)
    # Processes cannot be left behind.
    code, document, _ = project.reproduce("--detach", "--notify", server.url)
    assert code == 2
    assert server.events == ["failed"]
    assert server.news[0]["error"] == document["error"]
    assert server.news[0]["exit_code"] == 2


def test_a_stop_and_progress_are_told(tmp_path: Path, server: Server) -> None:
    go = tmp_path / "go"
    waits = {**WAITS, "argv": [word.replace("{go!r}", repr(str(go))) for word in WAITS["argv"]]}
    project = Project(tmp_path, waits)
    process = project.start("--notify", server.url, "--every", "0.0003")
    project.started(process)
    going = [{"name": "toy middle"}]  # before, the first step may be told of
    pause = threading.Event()
    while not any(one["running"] == going for one in server.news):
        assert process.poll() is None
        pause.wait(0.05)
    interrupt(process)
    assert finish(process)[0] == 130
    assert server.events[-1] == "stopped"
    progress = next(one for one in server.news if one["running"] == going)
    jsonschema.validate(progress, SCHEMA)
    assert progress["event"] == "progress"
    assert progress["exit_code"] is None


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses_is_a_warning(tmp_path: Path, server: Server, status: int) -> None:
    server.status = status
    code, document, err = Project(tmp_path, GOOD).reproduce("--notify", server.url)
    assert code == 0
    assert document["runs"][0]["status"] == "done"
    assert f"news was not sent to http://127.0.0.1: {status}" in err
    assert "secret" not in err


def test_a_server_that_is_gone_is_a_warning(tmp_path: Path, server: Server) -> None:
    url = server.url
    server.server_close()
    code, _, err = Project(tmp_path, GOOD).reproduce("--notify", url)
    assert code == 0
    assert "news was not sent to http://127.0.0.1: ConnectionError" in err
    assert "secret" not in err


def test_a_command_gets_the_json_and_the_text(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "tell.py"
    program.write_text(
        "import os, sys, pathlib\n"
        "print('this goes nowhere')\n"
        f"with pathlib.Path({str(told)!r}).open('a') as file:\n"
        "    file.write(sys.argv[1] + '\\n' + os.environ['HARNESS_NEWS'] + '\\n')\n"
        "    file.write(sys.stdin.read() + '\\n')\n"
    )
    command = shlex.join([sys.executable, str(program), "two words"])
    code, document, _ = Project(tmp_path, GOOD).reproduce("--notify", command)
    assert code == 0
    assert document["command"] == "reproduce"
    wait_for(told)
    word, text, news = told.read_text().splitlines()
    assert word == "two words"
    assert json.loads(news)["text"] == text
    assert json.loads(news)["event"] == "done"


def test_a_command_that_fails_is_a_warning(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'import sys; sys.exit(\"no mail today\")'"
    code, _, err = Project(tmp_path, GOOD).reproduce("--notify", command)
    assert code == 0
    assert f"news was not sent to {sys.executable}: exit code 1 no mail today" in err


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.commands.notify._COMMAND_SECONDS", 0.2)
    sleeper = Command((sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(NotSentError, match="no end after"):
        sleeper.send({"text": "x"})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("https://", "No host"),
        ("http://[::1", "not a valid host"),
        ("http://two words/x", "contains invalid character"),
        ("https://host:99999/x", "no address"),
        ("no-such-program now", "neither an address nor a program"),
        ("mail 'me", "No closing quotation"),
        ("", "neither an address nor a program"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused_at_once(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        parse_receiver(text)


def test_receivers_by_what_they_are() -> None:
    assert parse_receiver("https://hooks.example/x") == Address("https://hooks.example/x")
    assert parse_receiver("sh -c 'cat > it'") == Command(("sh", "-c", "cat > it"))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--every", "24"], "--every without --notify"),
        (["--every", "0", "--notify", "cat"], "--every 0: expected hours above 0"),
    ],
)
def test_hours_that_cannot_be_are_refused(tmp_path: Path, words: list[str], what: str) -> None:
    code, document, _ = Project(tmp_path, GOOD).reproduce(*words)
    assert code == 2
    assert what in document["error"]
