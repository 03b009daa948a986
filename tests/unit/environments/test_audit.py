"""What no image may hold is found and named, whatever else is in it; what belongs there passes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environments.audit import Forbidden, check_image, forbidden
from harness.environments.builder import ImageFile
from harness.errors import BuildError
from harness.layout import ProjectLayout

SITE = "opt/packages/lib/python3.11/site-packages"
RECORD = f"{SITE}/tool-1.0.dist-info/RECORD"
BUNDLE = b"-----BEGIN CERTIFICATE-----\nours\n"
UPSTREAM = b"import torch\n"
KNOWN = Forbidden(
    ca_bundle=hashlib.sha256(BUNDLE).hexdigest(),
    upstream={hashlib.sha1(b"blob %d\0" % len(UPSTREAM) + UPSTREAM).hexdigest(): "SEAM/train.py"},
)
BASE = {
    "usr/bin/gcc": b"compiler of the base",
    "etc/ssl/certs/ca.pem": BUNDLE,
    "root/notes": b"of the base",
}
GOOD = {
    **BASE,
    RECORD: b"tool/__init__.py,sha256=x,1\n../../../bin/tool,,\n",
    f"{SITE}/tool/__init__.py": b"print()\n",
    f"{SITE}/tool/__pycache__/__init__.cpython-311.pyc": b"compiled",
    f"{SITE}/tool/cacert.pem": b"-----BEGIN CERTIFICATE-----\nof a package\n",
    f"{SITE}/tool/cpp": b"a helper of that name",
    "opt/venv/lib/python3.11/site-packages/packages.pth": b"/opt/packages\n",
    "usr/bin/python3.11": b"interpreter of the base's packages",
    "usr/include/gcc": b"a file that cannot be run",
}


def image(contents: dict[str, bytes], *, time: int = 0) -> Iterator[ImageFile]:
    for path, content in contents.items():
        mode = 0o755 if path.rpartition("/")[0].endswith("bin") else 0o644
        yield ImageFile(
            path=path,
            size=len(content),
            state=(mode, len(content), time),
            read=lambda content=content: content,  # type: ignore[misc]
        )


def check(added: dict[str, bytes]) -> None:
    """Look into a good image with these files besides."""
    check_image("harness/tool:x", image(BASE), image({**GOOD, **added}), KNOWN)


def refusal(added: dict[str, bytes]) -> str:
    """What is said of it."""
    with pytest.raises(BuildError) as error:
        check(added)
    assert error.value.exit_code == 5
    assert "harness/tool:x holds what no image may hold" in str(error.value)
    return str(error.value)


def test_a_good_image_passes() -> None:
    check({})


WEIGHTS = b"\0" * (1 << 16)


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("etc/ssl/certs/ours.pem", b"x", "certificates that the base has not"),
        ("usr/local/share/ca-certificates/proxy.crt", b"x", "certificates that the base has not"),
        (f"{SITE}/tool/other.pem", BUNDLE, "the certificates that this build was given"),
        (f"{SITE}/tool/weights.pth", WEIGHTS, "weights"),
        (f"{SITE}/tool/resnet.params", WEIGHTS, "weights"),
        ("usr/share/model.safetensors", WEIGHTS, "weights"),
        ("usr/local/bin/gcc-12", b"x", "a compiler"),
        ("opt/venv/bin/nvcc", b"x", "a compiler"),
        ("usr/bin/x86_64-linux-gnu-g++-12", b"x", "a compiler"),
        ("work/SEAM/train.py", b"x", "a place that no image needs"),
        ("options/ca.pem", b"x", "a place that no image needs"),
        ("root/.cache/pip/wheel", b"x", "a place that no image needs"),
        ("opt/SEAM/train.py", b"x", "a place that no image needs"),
        ("usr/src/SEAM/.git/HEAD", b"x", "part of a git repository"),
        ("usr/lib/anything.py", UPSTREAM, "upstream code (SEAM/train.py)"),
        (f"{SITE}/tool/network.py", b"class Net: ...\n", "code of no package"),
        (f"{SITE}/network/resnet38.py", b"class Net: ...\n", "code of no package"),
    ],
)
def test_what_must_not_be_there_is_named(path: str, content: bytes, why: str) -> None:
    assert f"/{path}: {why}" in refusal({path: content})


def test_small_path_files_and_empty_modules_are_no_fault() -> None:
    record = GOOD[RECORD] + b"tool/empty.py,,0\n"
    check({RECORD: record, f"{SITE}/tool/empty.py": b"", f"{SITE}/x.pth": b"import x"})


def test_a_file_of_the_base_that_was_changed_is_looked_at() -> None:
    with pytest.raises(BuildError, match="/usr/bin/gcc: a compiler"):
        check_image("t", image(BASE), image(BASE, time=1), KNOWN)


def test_many_faults_are_counted() -> None:
    said = refusal({f"work/{number}": b"x" for number in range(25)})
    assert said.count("a place that no image needs") == 10
    assert "and 15 more" in said


def test_every_patched_file_is_known_before_and_after(tmp_path: Path) -> None:
    patch = tmp_path / "patches" / "SEAM" / "losses.patch"
    patch.parent.mkdir(parents=True)
    patch.write_text(
        f"Why.\n\ndiff --git a/train.py b/train.py\nindex {'a' * 40}..{'b' * 40} 100644\n"
        f"diff --git a/tool/x.py b/tool/x.py\nindex {'c' * 40}..{'d' * 40} 100644\n"
    )
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(BUNDLE)
    known = forbidden(ProjectLayout(tmp_path), bundle)
    assert known.ca_bundle == KNOWN.ca_bundle
    assert known.upstream == {
        "a" * 40: "SEAM/train.py",
        "b" * 40: "SEAM/train.py",
        "c" * 40: "SEAM/tool/x.py",
        "d" * 40: "SEAM/tool/x.py",
    }


def test_patches_of_the_project_are_all_read() -> None:
    project = ProjectLayout(Path(__file__).parents[3])
    patches = list(project.patches.glob("*/*.patch"))
    named = {where.partition("/")[0] for where in forbidden(project, None).upstream.values()}
    assert named == {patch.parent.name for patch in patches}
