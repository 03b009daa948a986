"""uv is told what the user told pip, or is left aside."""

from pathlib import Path

import pytest

from harness.environments.uv import Uv, find_uv


@pytest.fixture
def program(tmp_path: Path) -> Path:
    made = tmp_path / "uv"
    made.touch()
    return made


@pytest.fixture
def plain(tmp_path: Path) -> dict[str, str]:
    """A user without any setting."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}


def found(environ: dict[str, str], program: Path, *options: str) -> Uv:
    uv = find_uv(environ, options, program)
    assert uv is not None
    return uv


def test_pips_settings_become_uvs_variables(plain: dict[str, str], program: Path) -> None:
    pip = {
        "PIP_INDEX_URL": "https://user:word@index.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://one.example\n https://two.example",
        "PIP_FIND_LINKS": "/wheels https://more.example",
        "PIP_TRUSTED_HOST": "index.example",
        "PIP_CERT": "/ca.pem",
        "PIP_TIMEOUT": "12.5",
        "PIP_RETRIES": "3",
        "PIP_PROXY": "http://p:1",
        "PIP_CACHE_DIR": "/cache",
        "PIP_TARGET": "/elsewhere",
    }
    variables = found(plain | pip, program).variables
    expected = {
        "UV_DEFAULT_INDEX": "https://user:word@index.example/simple",
        "UV_EXTRA_INDEX_URL": "https://one.example https://two.example",
        "UV_FIND_LINKS": "/wheels,https://more.example",
        "UV_INSECURE_HOST": "index.example",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_HTTP_TIMEOUT": "12",
        "UV_HTTP_RETRIES": "3",
        "https_proxy": "http://p:1",
        "HTTPS_PROXY": "http://p:1",
        "UV_CACHE_DIR": "/cache/uv",
        "UV_LINK_MODE": "copy",
        "UV_NO_CONFIG": "1",
    }
    assert expected.items() <= variables.items()
    assert not [value for value in variables.values() if "elsewhere" in value]


def test_options_add_places_and_replace_the_rest(plain: dict[str, str], program: Path) -> None:
    user = {
        "PIP_FIND_LINKS": "/wheels",
        "PIP_EXTRA_INDEX_URL": "https://one.example",
        "PIP_CERT": "/a.pem",
    }
    options = (
        "--cert",
        "/b.pem",
        "--find-links",
        "/a b,c",
        "--extra-index-url",
        "https://t.example",
    )
    uv = found(plain | user, program, *options)
    assert uv.variables["UV_FIND_LINKS"] == "/wheels,file:///a%20b%2Cc"
    assert uv.variables["UV_EXTRA_INDEX_URL"] == "https://one.example https://t.example"
    assert uv.variables["SSL_CERT_FILE"] == "/b.pem"
    assert "--no-index" not in uv.install(Path("python"))


@pytest.mark.parametrize("text", ["1", "true", "Yes"])
def test_no_index_is_an_option_of_uvs(plain: dict[str, str], program: Path, text: str) -> None:
    assert "--no-index" in found(plain | {"PIP_NO_INDEX": text}, program).install(Path("python"))
    assert "--no-index" in found(plain, program, "--no-index").install(Path("python"))
    assert "--no-index" not in found(plain | {"PIP_NO_INDEX": "0"}, program).install(Path("p"))


def test_uvs_own_places_win_and_nothing_else_of_it_is_kept(
    plain: dict[str, str], program: Path
) -> None:
    own = {
        "UV_INDEX_URL": "https://uv.example",
        "UV_CACHE_DIR": "/big",
        "UV_NO_VERIFY_HASHES": "1",
        "UV_LINK_MODE": "symlink",
        "UV_OVERRIDE": "/o.txt",
    }
    variables = found(plain | own | {"PIP_INDEX_URL": "https://pip.example"}, program).variables
    assert variables["UV_DEFAULT_INDEX"] == "https://uv.example"
    assert variables["UV_CACHE_DIR"] == "/big"
    assert variables["UV_LINK_MODE"] == "copy"
    assert not {"UV_NO_VERIFY_HASHES", "UV_OVERRIDE", "UV_INDEX_URL"} & variables.keys()


@pytest.mark.parametrize(
    "setting", [("KEYRING_PROVIDER", "import"), ("TIMEOUT", "soon"), ("RETRIES", "-1")]
)
def test_pip_installs_where_uv_cannot_do_as_it_was_told(
    plain: dict[str, str], program: Path, setting: tuple[str, str]
) -> None:
    name, value = setting
    assert find_uv(plain | {f"PIP_{name}": value}, (), program) is None


def test_pip_installs_where_there_is_no_uv(plain: dict[str, str], tmp_path: Path) -> None:
    assert find_uv(plain, (), tmp_path / "nowhere") is None
