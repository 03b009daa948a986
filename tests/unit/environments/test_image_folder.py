"""Images in a folder: every layer once, ids by content, archives in and out."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environments.image_folder import ImageFolder
from harness.errors import MismatchError, NotReadyError


def layer(name: str, content: bytes = b"content") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def config(*layers: bytes) -> bytes:
    diffs = [f"sha256:{sha256(one)}" for one in layers]
    return json.dumps({"rootfs": {"type": "layers", "diff_ids": diffs}}).encode()


def archive(*layers: bytes, about: bytes | None = None, images: int = 1) -> Iterator[bytes]:
    """As Docker 20 saves: a folder per layer, an equal layer as a link, the list at the end."""
    about = about or config(*layers)
    stream = io.BytesIO()
    places: dict[bytes, str] = {}
    with tarfile.open(fileobj=stream, mode="w") as tar:
        names = []
        for number, one in enumerate(layers):
            info = tarfile.TarInfo(f"{number}/layer.tar")
            names.append(info.name)
            if one in places:
                info.type, info.linkname = tarfile.SYMTYPE, f"../{places[one]}"
                tar.addfile(info)
                continue
            places[one] = info.name
            info.size = len(one)
            tar.addfile(info, io.BytesIO(one))
        listed = [{"Config": "c.json", "RepoTags": ["x:y"], "Layers": names}] * images
        for name, content in {
            "c.json": about,
            "manifest.json": json.dumps(listed).encode(),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    content = stream.getvalue()
    return (content[at : at + 1000] for at in range(0, len(content), 1000))


BASE, TOP, OTHER = layer("base"), layer("top"), layer("other")


def test_an_image_is_named_by_its_configuration(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    found = folder.add("harness/tool:x", archive(BASE, TOP))
    assert found == f"sha256:{sha256(config(BASE, TOP))}"
    assert folder.images() == {"harness/tool:x": found}


def test_layers_are_stored_once_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    folder.add("harness/one:x", archive(BASE, TOP))
    folder.add("harness/two:x", archive(BASE, OTHER, BASE))
    blobs = {path.name for path in (tmp_path / "blobs" / "sha256").iterdir()}
    layers = {sha256(one) for one in (BASE, TOP, OTHER)}
    assert layers <= blobs
    assert len(blobs) == len(layers) + 2 * 2  # a configuration and a manifest for each image
    assert all(
        sha256((tmp_path / "blobs" / "sha256" / name).read_bytes()) == name for name in blobs
    )
    assert not list((tmp_path / ".arriving").iterdir())


def test_it_is_an_oci_layout(tmp_path: Path) -> None:
    ImageFolder(tmp_path).add("harness/tool:x", archive(BASE, TOP))
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "harness/tool:x"}
    blob = tmp_path / "blobs" / "sha256" / entry["digest"].removeprefix("sha256:")
    assert blob.stat().st_size == entry["size"]
    manifest = json.loads(blob.read_text())
    assert manifest["config"]["size"] == len(config(BASE, TOP))
    assert [one["size"] for one in manifest["layers"]] == [len(BASE), len(TOP)]
    assert manifest["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar"


def test_what_comes_out_goes_in_again(tmp_path: Path) -> None:
    first, second = ImageFolder(tmp_path / "a"), ImageFolder(tmp_path / "b")
    found = first.add("harness/tool:x", archive(BASE, TOP, BASE))
    assert second.add("harness/tool:x", first.archive("harness/tool:x")) == found
    with tarfile.open(fileobj=io.BytesIO(b"".join(first.archive("harness/tool:x")))) as tar:
        assert len(tar.getnames()) == len(set(tar.getnames())) == 4
        (listed,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert listed["RepoTags"] == ["harness/tool:x"]
        assert len(listed["Layers"]) == 3


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="no image harness/none:x"):
        list(ImageFolder(tmp_path).archive("harness/none:x"))


def test_a_damaged_archive_leaves_nothing(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    with pytest.raises(MismatchError, match="expected layers"):
        folder.add("harness/tool:x", archive(BASE, TOP, about=config(BASE, OTHER)))
    with pytest.raises(MismatchError, match="archive of one image, found 2"):
        folder.add("harness/tool:x", archive(BASE, images=2))
    cut = list(archive(BASE, TOP))[:3]
    with pytest.raises(MismatchError, match=r"cannot be read|no manifest"):
        folder.add("harness/tool:x", iter(cut))
    assert folder.images() == {}
    assert not (tmp_path / "blobs").exists()


@pytest.mark.parametrize("part", ["layer", "configuration", "manifest"])
def test_an_image_that_lacks_a_part_is_not_there_until_it_is_added_again(
    tmp_path: Path, part: str
) -> None:
    folder = ImageFolder(tmp_path)
    found = folder.add("harness/tool:x", archive(BASE, TOP))
    (entry,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    names = {"layer": sha256(TOP), "configuration": found, "manifest": entry["digest"]}
    (tmp_path / "blobs" / "sha256" / names[part].removeprefix("sha256:")).unlink()
    assert folder.images() == {}
    with pytest.raises(NotReadyError, match="no image harness/tool:x"):
        list(folder.archive("harness/tool:x"))
    folder.add("harness/tool:x", archive(BASE, TOP))
    assert folder.images() == {"harness/tool:x": found}
