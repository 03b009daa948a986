"""Contracts: what an output must look like for its reader. Texts may hold placeholders."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from harness.manifest.fields import Pattern, value


@value
class PngLabels:
    """One label PNG per id of a list, and no other file: 8-bit, values 0..max_label (or 255)."""

    kind: Literal["png-labels"]
    ids: str  # template of a list file
    max_label: Annotated[int, Field(ge=1, le=254)] = 20
    void: bool = False  # 255 may occur too
    modes: tuple[Literal["L", "P"], ...] = ("L",)
    size_of: str | None = None  # template of the folder with <id>.jpg of equal size


@value
class NpyMaps:
    """One pickled npy dict per id, and no other file: int keys -> finite arrays of equal H x W.

    SEAM's CAMs have the classes present as keys (0..19); its CRF dicts have `background` under key
    0 and class + 1 (`first_key` 1, `max_key` 20).
    """

    kind: Literal["npy-maps"]
    ids: str
    dtype: Literal["float16", "float32", "float64"] = "float32"
    first_key: Literal[0, 1] = 0  # the key of the first class (aeroplane)
    background: bool = False  # a background map must stand under key 0 (needs first_key 1)
    max_key: int = 19
    labels: str | None = None  # template of a cls_labels.npy: keys must be the classes present
    size_of: str | None = None  # template of the folder with <id>.jpg of equal size
    low: float | None = None  # no value below
    high: float | None = None  # no value above


@value
class NpyStacks:
    """One pickled npy dict per id, and no other file: `keys` and stacks of one map for each.

    `keys` is an array of K distinct whole numbers, each stack K x H x W of finite float32: the CAMs
    that the IRN family hands from one script to the next (irn: `keys`, `cam`, `high_res`).
    """

    kind: Literal["npy-stacks"]
    ids: str
    strides: Mapping[str, Annotated[int, Field(ge=1)]]  # stack -> pixels of the picture per pixel
    first_key: Literal[0, 1] = 0  # the key of the first class (aeroplane)
    background: bool = False  # key 0 must be there too (needs first_key 1)
    max_key: int = 19
    labels: str | None = None  # template of a cls_labels.npy: keys must be the classes present
    size_of: str | None = None  # template of the folder with <id>.jpg whose size is divided
    low: float | None = None  # no value below
    high: float | None = None  # no value above


@value
class NpyArrays:
    """One npy array per id, and no other file: `channels` maps of finite float32, never pickled."""

    kind: Literal["npy-arrays"]
    ids: str
    channels: Annotated[int, Field(ge=1)]
    size_of: str | None = None  # template of the folder with <id>.jpg whose size is divided
    stride: Annotated[int, Field(ge=1)] = 1  # rounded up; one row or column more is a pool's margin


@value
class NpyRatios:
    """One pickled npy dict: id -> the share of the picture that each class covers, 0..1."""

    kind: Literal["npy-ratios"]
    ids: str  # template of a list file: these ids and, without `others`, no more
    others: Literal[True] | None = None  # ratios of more ids may be there too
    classes: Annotated[int, Field(ge=1)] = 20
    labels: str | None = None  # template of a cls_labels.npy: classes that are absent cover nothing


@value
class StateDict:
    """A torch checkpoint whose tensors are all finite."""

    kind: Literal["state-dict"]
    at: tuple[str, ...] = ()  # keys that lead to the state dict inside the file
    entries: int | None = None  # number of tensors
    values: int | None = None  # number of scalars in all floating tensors
    shapes: Mapping[str, tuple[int, ...]] = Field(
        default_factory=dict
    )  # tensors that must be there


@value
class MxnetParams:
    """An MXNet list of named, dense arrays, all finite."""

    kind: Literal["mxnet-params"]
    entries: int | None = None  # number of arrays
    values: int | None = None  # number of scalars in all arrays
    shapes: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)  # arrays that must be there


@value
class JsonObject:
    """A JSON object with these keys, numbers finite."""

    kind: Literal["json"]
    keys: tuple[str, ...] = ()


@value
class Listing:
    """A text file of ids, one a line."""

    kind: Literal["list"]
    min_count: Annotated[int, Field(ge=1)] = 1


@value
class Folder:
    """A folder in which each glob matches at least `min_count` files, none of them empty."""

    kind: Literal["folder"]
    globs: tuple[str, ...] = ()
    min_count: Annotated[int, Field(ge=1)] = 1
    counts: Mapping[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict
    )  # glob -> its own


@value
class Voc:
    """A folder in VOC's layout. It consists of what its lists name, whatever else is in it.

    For each id of the lists in `ImageSets/Segmentation`: `JPEGImages/<id>.jpg`, and with `masks`
    `SegmentationClass/<id>.png`.
    """

    kind: Literal["voc"]
    lists: tuple[str, ...]  # names of the lists, without .txt
    masks: bool = False
    others: bool = False  # pictures with VOC's names belong too, unless a test.txt lists them


@value
class PlainFile:
    """A file of at least `min_bytes` bytes, every regular expression found in it."""

    kind: Literal["file"]
    min_bytes: Annotated[int, Field(ge=1)] = 1
    contains: tuple[Pattern, ...] = ()


#: The kinds that are a folder of one file per id of a list and nothing else.
PER_ID = (PngLabels, NpyMaps, NpyStacks, NpyArrays)

Contract = Annotated[
    PngLabels
    | NpyMaps
    | NpyStacks
    | NpyArrays
    | NpyRatios
    | StateDict
    | MxnetParams
    | JsonObject
    | Listing
    | Folder
    | Voc
    | PlainFile,
    Field(discriminator="kind"),
]
