"""The base images that harness.lock pins by their digests."""

import re

from harness.files import write_text
from harness.layout import ProjectLayout
from harness.manifest.yaml_source import read_yaml


def base_digest(project: ProjectLayout, base: str) -> str:
    """The digest that harness.lock holds for image `base`. Raises ManifestError without one."""
    source = read_yaml(project.lock)
    bases = source.data.get("bases", {}) if isinstance(source.data, dict) else {}
    digest = bases.get(base) if isinstance(bases, dict) else None
    if not isinstance(digest, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise source.error(
            ("bases", base),
            f"expected sha256:<64 hex digits>, found {digest!r}",
            hint="add its digest to harness.lock, or build on your own image with --base IMAGE",
        )
    return digest


def write_base(project: ProjectLayout, base: str, digest: str) -> None:
    """Pin another digest of `base` in harness.lock, whose other lines stay as they are."""
    old = base_digest(project, base)
    text = project.lock.read_text(encoding="utf-8")
    line = re.compile(rf"^(\s+[\"']?{re.escape(base)}[\"']?:\s*){old}", re.MULTILINE)
    write_text(project.lock, line.sub(rf"\g<1>{digest}", text))
