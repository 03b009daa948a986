"""Which certificates are trusted: one file for downloads, git, pip and builds of images alike."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError

_OPTION = "--ca-bundle"
#: Variables that name a bundle, in the order in which they count behind the option.
VARIABLES = (
    "HARNESS_CA_BUNDLE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
)


def find_ca_bundle(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file given, else that of the first variable that is set; None if nothing names one.

    Raises UsageError, naming option or variable, if it is not there or holds no certificate.
    """
    named = [(_OPTION, str(given))] if given else []
    named += [(name, environ[name]) for name in VARIABLES if environ.get(name)]
    if not named:
        return None
    name, text = named[0]
    path = Path(text).absolute()
    if why := _fault(path):
        raise UsageError(
            f"{name} {text}: {why}",
            hint=f"name a PEM file of certificates by {_OPTION}, or unset {name}"
            if name != _OPTION
            else "name a PEM file of certificates",
        )
    return path


def _fault(path: Path) -> str | None:
    """Why no certificate can be read there; None if one can."""
    try:
        if path.is_dir():
            return "expected a file of certificates, found a folder"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        return f"it holds no certificate that can be read ({error.reason or error})"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return None if context.cert_store_stats()["x509"] else "it holds no certificate"
