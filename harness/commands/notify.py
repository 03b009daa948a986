"""Where news of an execution goes: an address it is posted to, or a command that is started."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from harness.errors import UsageError

_HTTP_SECONDS = (10, 30)  # to connect, to answer
_COMMAND_SECONDS = 60
_SAID = 200  # characters of an error
TEXT: Final = "HARNESS_NEWS"  # the variable that holds the short text for a command


class NotSentError(Exception):
    """News did not arrive; the text says why."""


class Receiver(Protocol):
    """Takes news; raises NotSentError."""

    @property
    def title(self) -> str:
        """Its name in a warning, without what may be secret."""
        ...

    def send(self, news: Mapping[str, Any]) -> None:
        """Hand one piece of news over."""
        ...


def parse_receiver(text: str, ca_bundle: Path | None = None) -> Receiver:
    """What `--notify` names. Raises UsageError for no address of a host and no program."""
    if text.startswith(("http://", "https://")):
        _refuse_unsendable(text)
        return Address(text, ca_bundle)
    try:
        argv = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--notify {text}: {error}", hint="close the quotes") from error
    if not argv or shutil.which(argv[0]) is None:
        what = f"--notify {text}: neither an address nor a program that is installed"
        raise UsageError(what, hint="--notify https://HOST/PATH, or --notify 'PROGRAM ARGUMENTS'")
    return Command(argv)


def without_secrets(url: str) -> str:
    """Scheme and host of an address: services have their secrets in what follows.

    >>> without_secrets("https://me:word@hooks.example/T0/B1"), without_secrets("https://[::1")
    ('https://hooks.example', 'https://...')
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return f"{url.partition(':')[0]}://{host or '...'}"


def _refuse_unsendable(url: str) -> None:
    """Raise UsageError for what would only be found wrong when there is news."""
    import requests

    try:
        requests.Request("POST", url).prepare()
    except (requests.RequestException, ValueError) as error:
        what = f"--notify {url}: no address: {error}"
        raise UsageError(what, hint="--notify https://HOST/PATH") from error


@dataclass(frozen=True, slots=True)
class Address:
    """An address that takes JSON by POST."""

    url: str
    ca_bundle: Path | None = None

    @property
    def title(self) -> str:
        """Scheme and host."""
        return without_secrets(self.url)

    def send(self, news: Mapping[str, Any]) -> None:
        """Post it once. Raises NotSentError."""
        import requests

        trusted = str(self.ca_bundle) if self.ca_bundle else True
        try:
            answer = requests.post(self.url, json=news, timeout=_HTTP_SECONDS, verify=trusted)
        except (requests.RequestException, ValueError, OSError) as error:
            raise NotSentError(type(error).__name__) from error  # its text has the whole address
        if not answer.ok:
            raise NotSentError(f"{answer.status_code} {answer.reason}")


@dataclass(frozen=True, slots=True)
class Command:
    """A program that gets the JSON on stdin, and the short text in a variable."""

    argv: tuple[str, ...]

    @property
    def title(self) -> str:
        """The program."""
        return self.argv[0]

    def send(self, news: Mapping[str, Any]) -> None:
        """Start it and wait for its end. Raises NotSentError."""
        try:
            done = subprocess.run(
                self.argv,
                input=json.dumps(news).encode(),
                env={**os.environ, TEXT: str(news["text"])},
                stdout=subprocess.DEVNULL,  # ours belongs to the command that is executed
                stderr=subprocess.PIPE,
                timeout=_COMMAND_SECONDS,
                start_new_session=True,  # Ctrl-C is not meant for it
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotSentError(f"no end after {_COMMAND_SECONDS} seconds") from error
        except OSError as error:
            raise NotSentError(str(error)) from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-_SAID:]
            raise NotSentError(f"exit code {done.returncode} {said}".rstrip())
