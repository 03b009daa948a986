"""How a container's state becomes an exit."""

from collections.abc import Iterator
from typing import Any

import docker
import pytest

from harness.runtimes.container_watch import ContainerWatch
from harness.runtimes.runtime import Cause, Exit


class Api:
    """Answers with states, or raises, in turn."""

    def __init__(self, *answers: Any) -> None:
        self.api, self.answers = self, list(answers)
        self.id = "c" * 64
        self.name = "one"
        self.sent: list[dict[str, Any]] = []

    def events(self, **filters: Any) -> Iterator[dict[str, Any]]:
        assert filters["filters"] == {"container": self.id, "event": "kill"}
        assert filters["since"] < filters["until"]
        return iter(self.sent)

    def inspect_container(self, container: str) -> dict[str, Any]:
        assert container == self.id
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"State": answer}


def watch(*answers: Any, patience: float = 60.0) -> ContainerWatch:
    api: Any = Api(*answers)
    return ContainerWatch(api, api, patience)


def ended(code: int, **more: Any) -> dict[str, Any]:
    return {"Running": False, "Status": "exited", "ExitCode": code, **more}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ended(0), Exit(cause=Cause.DONE, code=0)),
        (ended(1), Exit(cause=Cause.STEP, code=1)),
        (
            ended(127, Error="no such program"),
            Exit(cause=Cause.STEP, code=127, detail="no such program"),
        ),
        (ended(137), Exit(cause=Cause.SIGNAL, code=137, signal="SIGKILL")),
        (ended(139), Exit(cause=Cause.SIGNAL, code=139, signal="SIGSEGV")),
        (ended(255), Exit(cause=Cause.STEP, code=255)),
        (ended(137, OOMKilled=True), Exit(cause=Cause.OOM, code=137)),
        (ended(1, OOMKilled=True), Exit(cause=Cause.OOM, code=1)),
        (ended(0, OOMKilled=True), Exit(cause=Cause.DONE, code=0)),
    ],
)
def test_an_end(state: dict[str, Any], expected: Exit) -> None:
    assert watch(state).look() == expected


TIMES = {"StartedAt": "2026-01-01T00:00:00.123456789Z", "FinishedAt": "2026-01-01T01:00:00Z"}


@pytest.mark.parametrize("code", [1, 143])
def test_an_end_after_a_signal_by_way_of_the_engine_is_not_the_steps_doing(code: int) -> None:
    looking = watch(ended(code, **TIMES))
    looking._client.sent = [{"Actor": {"Attributes": {"signal": "15"}}}]  # type: ignore[attr-defined]
    found = looking.look()
    assert found is not None
    assert found.cause is (Cause.INFRASTRUCTURE if code == 1 else Cause.SIGNAL)


def test_an_end_that_no_signal_caused_is_the_steps_own() -> None:
    assert watch(ended(1, **TIMES)).look() == Exit(cause=Cause.STEP, code=1)


def test_the_end_of_a_container_that_its_engine_lost() -> None:
    api: Any = Api(ended(255))
    found = ContainerWatch(api, api, 60.0, attached=True).look()
    assert found is not None
    assert (found.cause, found.lost) == (Cause.INFRASTRUCTURE, False)


def test_it_goes_on() -> None:
    assert watch({"Running": True, "Status": "running"}).look() is None
    for status in ("created", "paused", "restarting", "stopping"):  # Podman: Running is False
        state = {"Running": False, "Status": status, "ExitCode": 0}
        assert watch(state).look() is None


def test_a_short_silence_is_no_end() -> None:
    api = docker.errors.APIError("busy")
    looking = watch(api, {"Running": True, "Status": "running"}, ended(0))
    assert [looking.look(), looking.look()] == [None, None]
    assert looking.look() == Exit(cause=Cause.DONE, code=0)


def test_a_long_silence_is_the_machinerys_fault() -> None:
    found = watch(ConnectionError("refused"), patience=0).look()
    assert found is not None
    assert (found.cause, "refused" in found.detail) == (Cause.INFRASTRUCTURE, True)
    assert found.lost


def test_an_end_after_a_silence_is_the_machinerys_fault() -> None:
    looking = watch(ConnectionError("refused"), ended(137))
    assert looking.look() is None
    found = looking.look()
    assert found is not None
    assert found.cause is Cause.INFRASTRUCTURE


def test_a_container_that_is_gone() -> None:
    found = watch(docker.errors.NotFound("gone")).look()
    assert found is not None
    assert found.cause is Cause.INFRASTRUCTURE
