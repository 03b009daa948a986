"""Pictures are small and whole, and J of one image is right."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from harness.report.pixels import (
    VOID,
    WIDTH,
    UnreadablePicture,
    cam_uri,
    labels_of,
    labels_uri,
    photo,
    photo_uri,
    region_score,
)

LABELS = arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 20, VOID]))


def opened(uri: str, kind: str) -> Image.Image:
    assert uri.startswith(f"data:image/{kind};base64,")
    return Image.open(BytesIO(base64.b64decode(uri.partition(",")[2])))


@given(LABELS, LABELS)
def test_j_of_an_image_is_the_mean_iou_of_its_classes(
    predicted: np.ndarray, truth: np.ndarray
) -> None:
    there = truth != VOID
    found = []
    for label in {*predicted[there].tolist(), *truth[there].tolist()}:
        ours, theirs = (predicted == label) & there, (truth == label) & there
        found.append((ours & theirs).sum() / (ours | theirs).sum())
    expected = 100 * float(np.mean(found)) if found else 100.0
    assert region_score(predicted, truth) == pytest.approx(expected)


def test_labels_are_shown_small_in_vocs_colours() -> None:
    labels = np.zeros((300, 400), np.uint8)
    labels[:, 200:] = 15
    image = opened(labels_uri(labels), "png")
    assert image.size == (WIDTH, 108)
    assert image.convert("RGB").getpixel((140, 50)) == (192, 128, 128)


def test_a_cam_has_the_colour_of_its_strongest_class() -> None:
    strong, weak = np.full((30, 40), 255, np.uint8), np.full((30, 40), 90, np.uint8)
    pixel = opened(cam_uri({1: weak, 2: strong}, None), "jpeg").convert("RGB").getpixel((20, 15))
    assert isinstance(pixel, tuple)
    assert pixel[1] > 110
    assert pixel[0] < 20


def test_photos_keep_their_shape(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Image.new("RGB", (500, 375), "red").save(file)
    assert opened(photo_uri(photo(file)), "jpeg").size == (WIDTH, 108)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "b.jpg"
    file.write_bytes(content)
    with pytest.raises(UnreadablePicture, match=r"b\.jpg"):
        photo(file)
    with pytest.raises(UnreadablePicture, match=r"b\.jpg"):
        labels_of(file)
