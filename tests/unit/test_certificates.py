"""One bundle of certificates for everything, from the first that names one."""

from pathlib import Path

import certifi
import pytest

from harness.certificates import VARIABLES, find_ca_bundle
from harness.errors import UsageError

_END = "-----END CERTIFICATE-----"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A file of one certificate."""
    path = tmp_path / "ca.pem"
    path.write_text(Path(certifi.where()).read_text().partition(_END)[0] + _END + "\n")
    return path


def test_nothing_named_is_nothing() -> None:
    assert find_ca_bundle(None, dict.fromkeys(VARIABLES, "")) is None


@pytest.mark.parametrize("number", range(len(VARIABLES)))
def test_the_first_that_is_set_counts(bundle: Path, number: int) -> None:
    later = dict.fromkeys(VARIABLES[number + 1 :], "/nowhere")
    assert find_ca_bundle(None, {VARIABLES[number]: str(bundle), **later}) == bundle
    assert find_ca_bundle(bundle, {VARIABLES[number]: "/nowhere"}) == bundle


@pytest.mark.parametrize(
    "content",
    [b"", b"text\n", b"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n", b"\0" * 99],
)
def test_a_file_without_a_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"CURL_CA_BUNDLE .*ca.pem.* no certificate"):
        find_ca_bundle(None, {"CURL_CA_BUNDLE": str(path)})
    with pytest.raises(UsageError, match=r"--ca-bundle .*ca.pem"):
        find_ca_bundle(path, {})


@pytest.mark.parametrize("name", ["missing.pem", "ca.pem/below", "."])
def test_what_is_no_file_is_refused(bundle: Path, name: str) -> None:
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        find_ca_bundle(None, {"SSL_CERT_FILE": str(bundle.parent / name)})
