"""FSL: the closed form against its definition, and the properties the definition has."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from harness.losses import feature_similarity_loss, fsl_laplacian

from .definitions import defined_fsl

CASES = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 3),
        "channels": st.integers(1, 5),
        "height": st.integers(1, 9),
        "width": st.integers(1, 9),
        "colours": st.sampled_from(["random", "few", "flat", "outside"]),
        "absent": st.integers(0, 3),
        "mu": st.floats(-3, 6),
        "sigma": st.one_of(st.none(), st.floats(0.3, 20)),
        "seed": st.integers(0, 2**31),
    }
)


def draw(case: dict[str, Any], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Draw an image and class maps, of which the last ``absent`` channels are constant."""
    rng = torch.Generator().manual_seed(case["seed"])
    size = (case["height"], case["width"])
    image = torch.rand(case["batch"], 3, *size, generator=rng, dtype=dtype)
    if case["colours"] == "few":
        image = (image * 3).floor() / 3
    elif case["colours"] == "flat":
        image = torch.full_like(image, 0.4)
    elif case["colours"] == "outside":
        image = image * 3 - 1
    maps = torch.rand(case["batch"], case["channels"], *size, generator=rng, dtype=dtype)
    for channel in range(max(0, case["channels"] - case["absent"]), case["channels"]):
        maps[:, channel] = 0.3 * channel
    return image, maps


def differentiate(image: Tensor, maps: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    """Return FSL and its gradient."""
    point = maps.clone().requires_grad_()
    loss = feature_similarity_loss(image, point, **options)
    (gradient,) = torch.autograd.grad(loss, point)
    return loss.detach(), gradient


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@settings(max_examples=150)
@given(case=CASES)
def test_closed_form_equals_its_definition(
    dtype: torch.dtype, tolerance: float, case: dict[str, Any]
) -> None:
    image, maps = draw(case, dtype)
    wanted = defined_fsl(image, maps, case["mu"], case["sigma"])
    value, gradient = differentiate(image, maps, mu=case["mu"], sigma=case["sigma"])
    assert abs(float(value - wanted.value)) <= tolerance * wanted.scale + 1e-30
    error = float((gradient - wanted.gradient).abs().max())
    assert error <= tolerance * wanted.gradient_scale + 1e-30


@pytest.mark.parametrize("size", [(24, 24), (40, 17), (13, 50), (1, 60), (60, 1)])
@pytest.mark.parametrize("sigma", [1.0, 5.0, None])
def test_every_tiling_and_number_of_threads_equals_the_definition(
    size: tuple[int, int], sigma: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = {"batch": 3, "channels": 3, "height": size[0], "width": size[1], "seed": 5}
    image, maps = draw({**case, "colours": "random", "absent": 1}, torch.float64)
    wanted = defined_fsl(image, maps, 2.5, sigma)
    for tile, threads in ((1, 2), (2000, 1), (10_000, 5), (1 << 20, 2)):
        monkeypatch.setattr(fsl_laplacian, "CPU_TILE", tile)
        monkeypatch.setattr(fsl_laplacian, "THREAD_WORK", 1)
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        value, gradient = differentiate(image, maps, sigma=sigma)
        torch.testing.assert_close(value, wanted.value, rtol=1e-10, atol=0)
        torch.testing.assert_close(gradient, wanted.gradient, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("mu", [-400.0, -8.0, 8.0, 400.0])
def test_any_mu_is_finite_and_equals_the_definition(mu: float) -> None:
    case = {"batch": 2, "channels": 2, "height": 5, "width": 4, "seed": 1, "absent": 0}
    image, maps = draw({**case, "colours": "few"}, torch.float64)
    wanted = defined_fsl(image, maps, mu, 5.0)
    value, gradient = differentiate(image, maps, mu=mu)
    assert abs(float(value - wanted.value)) <= 1e-10 * wanted.scale
    torch.testing.assert_close(gradient, wanted.gradient, rtol=1e-7, atol=1e-13)


@settings(max_examples=30)
@given(case=CASES)
def test_flips_batch_split_and_channel_order_change_nothing(case: dict[str, Any]) -> None:
    image, maps = draw(case, torch.float64)
    options = {"mu": case["mu"], "sigma": case["sigma"]}
    value, _ = differentiate(image, maps, **options)
    scale = defined_fsl(image, maps, case["mu"], case["sigma"]).scale

    def same(other: Tensor) -> None:
        assert abs(float(other - value)) <= 1e-10 * scale

    for dims in ([2], [3], [2, 3]):
        same(differentiate(image.flip(dims), maps.flip(dims), **options)[0])
    order = torch.randperm(maps.shape[1], generator=torch.Generator().manual_seed(case["seed"]))
    same(differentiate(image, maps[:, order], **options)[0])
    parts = [
        differentiate(i[None], m[None], **options)[0] for i, m in zip(image, maps, strict=True)
    ]
    same(torch.stack(parts).mean())


@settings(max_examples=30)
@given(case=CASES)
def test_constant_predictions_give_exactly_zero(case: dict[str, Any]) -> None:
    image, maps = draw({**case, "absent": case["channels"]}, torch.float32)
    value, gradient = differentiate(image, maps, mu=case["mu"], sigma=case["sigma"])
    assert float(value) == 0
    assert not gradient.any()


def test_absent_classes_change_no_bit() -> None:
    case = {"batch": 2, "channels": 3, "height": 12, "width": 12, "seed": 3, "absent": 0}
    image, maps = draw({**case, "colours": "random"}, torch.float32)
    padded = torch.cat([maps, torch.zeros(2, 18, 12, 12)], dim=1)
    value, gradient = differentiate(image, maps)
    value_padded, gradient_padded = differentiate(image, padded)
    assert torch.equal(gradient_padded[:, :3], gradient)
    assert not gradient_padded[:, 3:].any()
    torch.testing.assert_close(value_padded, value, rtol=1e-6, atol=0)


@pytest.mark.parametrize("sigma", [2.0, None])
def test_first_and_second_derivatives(sigma: float | None) -> None:
    rng = torch.Generator().manual_seed(7)
    image = torch.rand(2, 3, 4, 3, generator=rng, dtype=torch.float64)
    maps = torch.rand(2, 3, 4, 3, generator=rng, dtype=torch.float64)
    maps[:, 1] = 0.5
    maps.requires_grad_()

    def loss(point: Tensor) -> Tensor:
        return feature_similarity_loss(image, point, sigma=sigma)

    assert torch.autograd.gradcheck(loss, maps)
    assert torch.autograd.gradgradcheck(loss, maps)


def test_all_pairs_form_equals_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    case = {"batch": 2, "channels": 4, "height": 6, "width": 5, "seed": 9, "absent": 1}
    image, maps = draw({**case, "colours": "random"}, torch.float64)
    wanted = defined_fsl(image, maps, 2.5, 5.0)
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    value, gradient = differentiate(image, maps)
    torch.testing.assert_close(value, wanted.value, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient, wanted.gradient, rtol=1e-6, atol=1e-12)


def test_truncation_counts_every_image_of_a_batch() -> None:
    case = {"batch": 3, "channels": 2, "height": 11, "width": 9, "seed": 4, "absent": 0}
    image, maps = draw({**case, "colours": "random"}, torch.float64)
    maps[0] = 0.5  # the first image alone would contribute nothing
    whole, _ = differentiate(image, maps, sigma=1.5)
    near, _ = differentiate(image, maps, sigma=1.5, radius=4.0)
    torch.testing.assert_close(near, whole, rtol=1e-2, atol=0)
    assert abs(float(near)) > 1e-4
    wide, _ = differentiate(image, maps, sigma=1.5, radius=20.0)
    torch.testing.assert_close(wide, whole)


def test_half_precision_and_autocast_are_computed_in_float32() -> None:
    case = {"batch": 1, "channels": 2, "height": 8, "width": 8, "seed": 2, "absent": 0}
    image, maps = draw({**case, "colours": "random"}, torch.float32)
    rounded = maps.bfloat16()
    wanted = feature_similarity_loss(image, rounded.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = feature_similarity_loss(image, rounded)
    assert got.dtype == torch.float32
    assert torch.equal(got, wanted)


def test_matmul_precision_switch_changes_nothing() -> None:
    case = {"batch": 1, "channels": 3, "height": 20, "width": 20, "seed": 6, "absent": 0}
    image, maps = draw({**case, "colours": "random"}, torch.float32)
    wanted = feature_similarity_loss(image, maps)
    torch.set_float32_matmul_precision("medium")
    try:
        assert torch.equal(feature_similarity_loss(image, maps), wanted)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize(
    ("image", "maps", "options", "message"),
    [
        ((3, 4, 4), (1, 2, 4, 4), {}, "B x K x H x W"),
        ((1, 3, 4, 4), (1, 0, 4, 4), {}, "non-empty"),
        ((1, 3, 4, 4), (1, 2, 4, 5), {}, "equal batch, height and width"),
        ((1, 3, 4, 4), (2, 2, 4, 4), {}, "equal batch, height and width"),
        ((1, 3, 4, 4), (1, 2, 4, 4), {"sigma": 0.0}, "positive sigma"),
        ((1, 3, 4, 4), (1, 2, 4, 4), {"radius": -1.0}, "positive radius"),
        ((1, 3, 4, 4), (1, 2, 4, 4), {"sigma": None, "radius": 1.0}, "positive radius"),
    ],
)
def test_bad_arguments_are_refused(
    image: tuple[int, ...], maps: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        feature_similarity_loss(torch.zeros(image), torch.zeros(maps), **options)


def test_radius_is_refused_in_reference_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    with pytest.raises(ValueError, match="reference mode"):
        feature_similarity_loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2), radius=3.0)


def test_unknown_mode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "fast")
    with pytest.raises(ValueError, match="exact, reference"):
        feature_similarity_loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))
