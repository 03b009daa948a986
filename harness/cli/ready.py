"""How a command that something is missing for names the `doctor` that shows every check."""

import inspect
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.errors import NotReadyError


@contextmanager
def naming_doctor(given: Mapping[str, Any]) -> Iterator[None]:
    """Let a refusal end in the command that shows every check, for what was `given` here."""
    try:
        yield
    except NotReadyError as error:
        from harness.doctor.finding import Unready

        if isinstance(error, Unready):
            from harness.cli.doctor import doctor

            command = doctor_command(doctor, {**error.asked, **given})
            error.hint = f"`{command}` shows every check"
        raise


def doctor_command(doctor: Callable[..., None], given: Mapping[str, Any]) -> str:
    """The words of `doctor` for these values: methods, then options that are not its defaults."""
    methods = [given["method"]] if "method" in given else list(given.get("methods") or ())
    words = ["harness", "doctor", *methods]
    for name, parameter in inspect.signature(doctor).parameters.items():
        value = given.get(name)
        if parameter.kind is parameter.KEYWORD_ONLY and name != "as_json":
            for one in () if _implied(parameter, value) else _each(value):
                words += [f"--{name.replace('_', '-')}", str(one)]
    return shlex.join(words)


def _implied(parameter: inspect.Parameter, value: Any) -> bool:
    """Whether doctor has the value unless told otherwise: its default, or its variable's."""
    variables = [getattr(one, "envvar", None) for one in _details(parameter)]
    return value in (None, parameter.default) or any(
        one is not None and os.environ.get(str(one)) == str(value) for one in variables
    )


def _details(parameter: inspect.Parameter) -> tuple[Any, ...]:
    return getattr(parameter.annotation, "__metadata__", ())


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
