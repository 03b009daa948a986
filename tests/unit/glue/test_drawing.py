"""Drawn pictures: exact classes, whole-number randomness, masks that fit their image."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.glue.drawing import VOID, Dice, class_colour, draw, palette, save_image, save_mask


@given(
    classes=st.lists(st.integers(1, 20), min_size=1, max_size=6, unique=True),
    height=st.integers(40, 90),
    width=st.integers(40, 90),
    seed=st.integers(0, 1000),
)
def test_a_picture_shows_exactly_its_classes(
    classes: list[int], height: int, width: int, seed: int
) -> None:
    picture = draw(classes, height, width, Dice(seed))
    assert picture.image.shape == (height, width, 3)
    assert set(np.unique(picture.labels)) == {0, *classes, VOID}
    for number in set(np.unique(picture.instances)) - {0, VOID}:
        assert len(np.unique(picture.labels[picture.instances == number])) == 1


def test_void_surrounds_every_object() -> None:
    labels = draw([1, 2, 3], 48, 64, Dice(5)).labels
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        differ = one != other
        assert np.all((one[differ] == VOID) | (other[differ] == VOID))


def test_instances_of_one_class_are_numbered_apart() -> None:
    pictures = [draw([2], 48, 64, Dice(seed)) for seed in range(20)]
    assert {int(p.instances[p.instances != VOID].max()) for p in pictures} == {1, 2}


def test_pixels_are_the_same_on_every_numpy() -> None:
    picture = draw([1, 3, 7], 49, 65, Dice(1, 2, 3))
    drawn = picture.image.tobytes() + picture.labels.tobytes() + picture.instances.tobytes()
    expected = "701b137a747fb88fcb355c7acac9c0cd4ef76b965580bc987179400ade8d50f7"
    assert hashlib.sha256(drawn).hexdigest() == expected


def test_the_palette_is_that_of_voc() -> None:
    colours = np.array(palette()).reshape(256, 3).tolist()
    assert colours[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert colours[20] == [0, 64, 128]
    assert colours[VOID] == [224, 224, 192]


def test_class_colours_differ() -> None:
    assert len({class_colour(label) for label in range(1, 21)}) == 20


def test_saved_masks_keep_labels_and_palette(tmp_path: Path) -> None:
    picture = draw([4], 30, 40, Dice(0))
    save_mask(tmp_path / "mask.png", picture.labels)
    save_image(tmp_path / "image.jpg", picture.image)
    with Image.open(tmp_path / "mask.png") as mask, Image.open(tmp_path / "image.jpg") as image:
        assert mask.mode == "P"
        assert mask.getpalette("RGB") == palette()
        assert np.array_equal(np.asarray(mask), picture.labels)
        assert (image.mode, image.size) == ("RGB", mask.size)


@pytest.mark.parametrize("classes", [[], [0], [255], [1, 1]])
def test_classes_out_of_range_are_refused(classes: list[int]) -> None:
    with pytest.raises(ValueError, match="expected distinct classes"):
        draw(classes, 48, 48, Dice(0))


def test_a_picture_too_small_for_its_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="6 classes need 40 pixels each way, found 39 x 64"):
        draw([1, 2, 3, 4, 5, 6], 64, 39, Dice(0))


def test_dice_cover_their_range_and_nothing_else() -> None:
    dice = Dice(3)
    assert {dice.between(2, 5) for _ in range(200)} == {2, 3, 4, 5}
    assert sorted(dice.shuffled(9)) == list(range(9))
    assert set(np.unique(dice.grid(20, 20, 3))) == {0, 1, 2}
