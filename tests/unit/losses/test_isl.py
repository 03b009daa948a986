"""ISL: its definition, its expectation and its random stream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from harness.losses import importance_sampling_loss
from harness.losses.isl import draw, reset_generators

from .definitions import soft_margin


@pytest.fixture(autouse=True)
def fresh_generators() -> Iterator[None]:
    reset_generators()
    yield
    reset_generators()


def maps_and_labels(seed: int, batch: int = 2, classes: int = 4) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(batch, classes, 5, 6, generator=rng)
    return logits, (torch.rand(batch, classes, generator=rng) < 0.4).float()


@settings(max_examples=50)
@given(seed=st.integers(0, 2**31), samples=st.integers(1, 20))
def test_value_and_gradient_equal_the_definition_for_given_draws(seed: int, samples: int) -> None:
    logits, labels = maps_and_labels(seed)
    logits.requires_grad_()
    flat = logits.reshape(8, 30)
    indices = draw(flat, samples, torch.Generator().manual_seed(seed))
    wanted = soft_margin(flat.gather(1, indices), labels.reshape(8))
    generator = torch.Generator().manual_seed(seed)
    got = importance_sampling_loss(logits, labels, num_samples=samples, generator=generator)
    torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(got, logits)[0], torch.autograd.grad(wanted, logits)[0]
    )


def test_mean_over_many_draws_is_the_expectation() -> None:
    logits, labels = maps_and_labels(3)
    chance = logits.flatten(2).sigmoid() + 1e-5
    chance = chance / chance.sum(dim=2, keepdim=True)
    signed = logits.flatten(2) * (1 - 2 * labels[..., None])
    expected = (chance * torch.nn.functional.softplus(signed)).sum(dim=2).mean()
    got = importance_sampling_loss(logits, labels, num_samples=200_000)
    torch.testing.assert_close(got, expected, rtol=5e-3, atol=0)


def test_drawing_leaves_the_default_stream_alone() -> None:
    logits, labels = maps_and_labels(1)
    before = torch.get_rng_state()
    importance_sampling_loss(logits, labels)
    assert torch.equal(torch.get_rng_state(), before)


def test_reference_mode_draws_from_the_default_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    logits, labels = maps_and_labels(1)
    torch.manual_seed(4)
    first = importance_sampling_loss(logits, labels)
    torch.manual_seed(4)
    assert torch.equal(importance_sampling_loss(logits, labels), first)
    before = torch.get_rng_state()
    importance_sampling_loss(logits, labels)
    assert not torch.equal(torch.get_rng_state(), before)


def test_seed_decides_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = maps_and_labels(1)

    def sequence(seed: str) -> list[float]:
        monkeypatch.setenv("HARNESS_SEED", seed)
        reset_generators()
        return [float(importance_sampling_loss(logits, labels)) for _ in range(3)]

    assert sequence("5") == sequence("5")
    assert sequence("5") != sequence("6")
    assert len(set(sequence("5"))) == 3


def test_nan_maps_give_nan_and_no_error() -> None:
    logits, labels = maps_and_labels(1)
    logits[0, 0] = torch.nan
    assert importance_sampling_loss(logits, labels).isnan()


def test_labels_with_trailing_ones_are_taken() -> None:
    logits, labels = maps_and_labels(2)
    one = importance_sampling_loss(logits, labels, generator=torch.Generator().manual_seed(1))
    other = importance_sampling_loss(
        logits.half().float(), labels[..., None, None], generator=torch.Generator().manual_seed(1)
    )
    torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("logits", "labels", "samples", "message"),
    [
        ((2, 3, 4), (2, 3), 1, "B x C x H x W"),
        ((2, 3, 0, 4), (2, 3), 1, "non-empty"),
        ((2, 3, 4, 4), (3, 2), 1, "labels 2 x 3"),
        ((2, 3, 4, 4), (2, 3, 2), 1, "labels 2 x 3"),
        ((2, 3, 4, 4), (2, 3), 0, "at least one sample"),
    ],
)
def test_bad_arguments_are_refused(
    logits: tuple[int, ...], labels: tuple[int, ...], samples: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        importance_sampling_loss(torch.zeros(logits), torch.zeros(labels), num_samples=samples)


def test_seed_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_SEED", "one")
    with pytest.raises(ValueError, match="HARNESS_SEED"):
        importance_sampling_loss(*maps_and_labels(1))
