"""The losses on a GPU: the CPU's numbers, no waiting for the host, memory linear in the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from harness.losses import feature_similarity_loss, importance_sampling_loss
from harness.losses.isl import reset_generators

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no NVIDIA GPU"),
]


def draw(size: tuple[int, int], batch: int = 4, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Draw an image and maps of which most channels are constant, on the CPU."""
    rng = torch.Generator().manual_seed(size[0])
    image = torch.rand(batch, 3, *size, generator=rng, dtype=dtype)
    maps = torch.zeros(batch, 21, *size, dtype=dtype)
    maps[:, :3] = torch.rand(batch, 3, *size, generator=rng, dtype=dtype)
    return [image, maps]


def differentiate(image: Tensor, maps: Tensor, sigma: float | None = 5.0) -> tuple[Tensor, Tensor]:
    point = maps.clone().requires_grad_()
    loss = feature_similarity_loss(image, point, sigma=sigma)
    loss.backward()
    assert point.grad is not None
    return loss.detach(), point.grad


@contextmanager
def no_waiting() -> Iterator[None]:
    """Turn every wait of the host for the GPU into an error."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("size", [(28, 28), (56, 56), (41, 63), (1, 90), (112, 112)])
@pytest.mark.parametrize("sigma", [5.0, None])
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_cuda_equals_cpu(
    size: tuple[int, int], sigma: float | None, dtype: torch.dtype, rtol: float
) -> None:
    image, maps = draw(size, dtype=dtype)
    wanted = differentiate(image, maps, sigma)
    got = differentiate(image.cuda(), maps.cuda(), sigma)
    for mine, other in zip(got, wanted, strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(mine.cpu(), other, rtol=rtol, atol=rtol * scale)


def test_neither_pass_waits_for_the_gpu() -> None:
    image, maps = (tensor.cuda() for tensor in draw((56, 56)))
    differentiate(image, maps)
    with no_waiting():
        differentiate(image, maps)


def test_importance_sampling_does_not_wait_nor_touch_the_default_stream() -> None:
    logits = torch.randn(4, 20, 56, 56, device="cuda", requires_grad=True)
    labels = (torch.rand(4, 20, device="cuda") < 0.2).float()
    reset_generators()
    importance_sampling_loss(logits, labels).backward()
    before = torch.cuda.get_rng_state()
    with no_waiting():
        importance_sampling_loss(logits, labels).backward()
    assert torch.equal(torch.cuda.get_rng_state(), before)
    with torch.no_grad():
        logits[0, 0] = torch.nan
    assert importance_sampling_loss(logits, labels).isnan()


def peak_memory(size: int) -> int:
    """Return the bytes that one forward and backward pass takes beside its inputs."""
    image, maps = (tensor.cuda() for tensor in draw((size, size)))
    maps.requires_grad_()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    feature_similarity_loss(image, maps).backward()
    return torch.cuda.max_memory_allocated() - before


def test_memory_grows_linearly_with_the_pixels() -> None:
    differentiate(*(tensor.cuda() for tensor in draw((28, 28))))
    small, large = peak_memory(112), peak_memory(448)
    assert large - small <= 1.2 * 15 * 448 * 448 * 4 * 21 * 4 / 8
    assert large < 16 * small


@pytest.mark.parametrize("modern", [False, True])
def test_tf32_switches_change_no_bit(modern: bool) -> None:
    matmul = torch.backends.cuda.matmul
    if modern and not hasattr(matmul, "fp32_precision"):
        pytest.skip("this torch has only the one switch")
    image, maps = (tensor.cuda() for tensor in draw((56, 56)))
    wanted = differentiate(image, maps)
    probe = torch.rand(512, 512, device="cuda")
    product = probe @ probe
    if modern:
        before = matmul.fp32_precision
        matmul.fp32_precision = "tf32"
    else:
        matmul.allow_tf32 = True
    try:
        rounded = probe @ probe
        got = differentiate(image, maps)
        assert torch.equal(probe @ probe, rounded)  # the switch is as it was
        assert not torch.equal(rounded, product)  # and it does something
    finally:
        if modern:
            matmul.fp32_precision = before
        torch.set_float32_matmul_precision("highest")
    assert torch.equal(got[0], wanted[0])
    assert torch.equal(got[1], wanted[1])


def test_autocast_changes_no_bit() -> None:
    image, maps = (tensor.cuda() for tensor in draw((56, 56)))
    wanted = differentiate(image, maps.half().float())
    with torch.autocast("cuda", dtype=torch.float16):
        loss, gradient = differentiate(image, maps.half())
    assert loss.dtype == torch.float32
    assert torch.equal(loss, wanted[0])
    torch.testing.assert_close(gradient.float(), wanted[1], rtol=1e-2, atol=1e-5)


def test_derivatives_on_the_gpu() -> None:
    image, maps = (tensor.cuda() for tensor in draw((3, 4), batch=2, dtype=torch.float64))
    point = maps[:, :4].clone().requires_grad_()

    def loss(at: Tensor) -> Tensor:
        return feature_similarity_loss(image, at, sigma=2.0)

    assert torch.autograd.gradcheck(loss, point)
    assert torch.autograd.gradgradcheck(loss, point)
