"""Of a user's settings pip keeps those about where files come from."""

import os
from pathlib import Path

import pytest

from harness.environments.pip_settings import build_variables, users_settings
from harness.errors import NotReadyError

_FILE = """
[global]
index-url = https://user:word@index.example/simple
extra_index_url =
    https://one.example
    https://two.example
default-timeout = 90
target = /somewhere
user = true
quiet = 3
[install]
trusted-host = index.example
no-deps = true
prefix = /elsewhere
[wheel]
no-binary = :all:
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(_FILE)
    return {"HOME": str(tmp_path), "PATH": "/bin", "XDG_CONFIG_DIRS": str(tmp_path / "none")}


def test_places_and_connections_are_kept(environ: dict[str, str]) -> None:
    found = users_settings(environ)
    assert found["index-url"] == "https://user:word@index.example/simple"
    assert found["extra-index-url"].split() == ["https://one.example", "https://two.example"]
    assert (found["timeout"], found["trusted-host"]) == ("90", "index.example")
    dropped = {"target", "user", "quiet", "no-deps", "prefix", "no-binary"}
    assert not dropped & found.keys()


def test_variables_win_over_files(environ: dict[str, str]) -> None:
    more = {"PIP_INDEX_URL": "https://other.example", "PIP_TIMEOUT": "", "PIP_RETRIES": "9"}
    found = users_settings(environ | more)
    assert (found["index-url"], found["timeout"], found["retries"]) == (
        "https://other.example",
        "90",
        "9",
    )


def test_nothing_else_reaches_a_build(environ: dict[str, str]) -> None:
    astray = (
        *("PIP_TARGET", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_NO_BINARY", "PIP_DRY_RUN"),
        *("PIP_CONSTRAINT", "PIP_PYTHON", "PIP_LOG", "PIP_ROOT", "PIP_REPORT", "PIP_ONLY_BINARY"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "UV_INDEX_URL", "SETUPTOOLS_USE_DISTUTILS"),
    )
    proxies = {"https_proxy": "http://p:1", "PIP_PROXY": "http://p:2"}
    found = build_variables(environ | dict.fromkeys(astray, "1") | proxies)
    assert not set(astray) & found.keys()
    assert found["https_proxy"] == "http://p:1"
    assert found["PIP_PROXY"] == "http://p:2"
    assert found["PIP_CONFIG_FILE"] == os.devnull
    assert found["PIP_INDEX_URL"].startswith("https://user:word@")


def test_a_file_named_comes_last_and_none_can_be_named(
    environ: dict[str, str], tmp_path: Path
) -> None:
    named = tmp_path / "named.conf"
    named.write_text("[global]\nindex-url = https://named.example\n")
    assert users_settings(environ | {"PIP_CONFIG_FILE": str(named)})["index-url"] == (
        "https://named.example"
    )
    assert users_settings(environ | {"PIP_CONFIG_FILE": os.devnull}) == {}


@pytest.mark.parametrize("content", [b"index-url = no section\n", b"[global]\nx\n", b"\xff\xfe[g"])
def test_a_file_that_cannot_be_read_is_named(
    environ: dict[str, str], tmp_path: Path, content: bytes
) -> None:
    broken = tmp_path / ".config" / "pip" / "pip.conf"
    broken.write_bytes(content)
    with pytest.raises(NotReadyError, match=str(broken)):
        build_variables(environ)
