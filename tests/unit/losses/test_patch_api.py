"""What patches use: taps, class maps, switches."""

from __future__ import annotations

import argparse

import pytest
import torch
from torch import Tensor, nn

from harness import losses
from harness.losses import Settings, Tap


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 1))
        self.fc8 = nn.Conv2d(4, 5, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.fc8(self.body(image)).mean(dim=(2, 3))


class Wrapped(nn.Module):
    """Names its network as DataParallel does."""

    def __init__(self) -> None:
        super().__init__()
        self.module = Network()

    def forward(self, image: Tensor) -> Tensor:
        return self.module(image)


@pytest.mark.parametrize("kind", [Network, Wrapped])
def test_tap_gives_the_last_output_with_its_graph(kind: type[nn.Module]) -> None:
    network = kind()
    tap = Tap(network, "fc8")
    network(torch.zeros(2, 3, 4, 4))
    image = torch.rand(2, 3, 6, 6)
    scores = network(image)
    maps = tap.take()
    assert maps.shape == (2, 5, 6, 6)
    assert maps.requires_grad
    torch.testing.assert_close(maps.mean(dim=(2, 3)), scores)
    with pytest.raises(RuntimeError, match="fc8"):
        tap.take()


def test_tap_joins_replicas_in_device_order() -> None:
    tap = Tap(Network(), "fc8")
    second, first = torch.ones(1, 1), torch.zeros(1, 1)
    tap._kept = {("cuda", 1): second, ("cuda", 0): first}
    assert tap.take().tolist() == [[0], [1]]


def test_tap_names_the_nearest_submodule() -> None:
    with pytest.raises(ValueError, match="did you mean 'fc8'"):
        Tap(Network(), "fc9")


def test_class_maps_are_scaled_labelled_and_have_a_background() -> None:
    logits = torch.randn(2, 4, 5, 6)
    labels = torch.tensor([[1.0, 1, 0, 1], [1, 0, 0, 0]])
    maps = losses.cam_from_logits(logits, labels[..., None, None])
    assert maps.shape == (2, 4, 5, 6)
    assert not maps[:, 2].any()
    torch.testing.assert_close(maps[0, 1].max(), torch.tensor(1.0), rtol=1e-4, atol=0)
    torch.testing.assert_close(maps[:, 0], 1 - maps[:, 1:].amax(dim=1))
    assert maps[1, 0].min() == 1
    without = losses.cam_from_logits(logits[:, 1:], labels[:, 1:], background=False)
    assert torch.equal(without, maps)


def test_dead_maps_have_finite_gradients() -> None:
    logits = torch.full((1, 3, 4, 4), -1.0, requires_grad=True)
    loss = losses.fsl_from_logits(torch.randn(1, 3, 8, 8), logits, torch.ones(1, 3))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_image_is_resized_and_unnormalised() -> None:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = torch.rand(1, 3, 1, 1).expand(1, 3, 9, 7)
    normal = (image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    small = losses.image_in_unit_range(normal, (3, 2))
    torch.testing.assert_close(small, image[..., :3, :2].contiguous())


def test_weight_zero_returns_the_loss_itself_and_draws_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    loss, logits, labels = torch.ones(()), torch.randn(1, 3, 4, 4), torch.ones(1, 3)
    before = torch.get_rng_state()
    assert losses.mix_isl(loss, logits, labels, 0.0) is loss
    assert losses.add_fsl(loss, torch.zeros(1, 3, 8, 8), logits, labels, Settings()) is loss
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_mix_and_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    loss, logits, labels = torch.tensor(3.0), torch.randn(1, 3, 4, 4), torch.ones(1, 3)
    image = torch.randn(1, 3, 8, 8)
    torch.manual_seed(1)
    sampled = losses.isl(logits, labels)
    torch.manual_seed(1)
    torch.testing.assert_close(losses.mix_isl(loss, logits, labels, 0.2), 0.8 * 3 + 0.2 * sampled)
    torch.manual_seed(1)
    assert torch.equal(losses.mix_isl(loss, logits, labels, 1.0), sampled)
    settings = Settings(fsl_weight=2.0, fsl_mu=1.5, fsl_sigma=3.0)
    term = losses.fsl_from_logits(image, logits, labels, 1.5, 3.0)
    torch.testing.assert_close(losses.add_fsl(loss, image, logits, labels, settings), 3 + 2 * term)


def test_parser_and_environment_name_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    losses.add_arguments(parser)
    assert vars(parser.parse_args([])) == vars(Settings())
    args = parser.parse_args(["--isl_weight", "0.2", "--isl_samples", "5", "--fsl_sigma", "2"])
    monkeypatch.setenv("HARNESS_ISL_WEIGHT", "0.2")
    monkeypatch.setenv("HARNESS_ISL_SAMPLES", "5")
    monkeypatch.setenv("HARNESS_FSL_SIGMA", "2")
    assert vars(losses.env_settings()) == vars(args)
    monkeypatch.setenv("HARNESS_FSL_MU", "much")
    with pytest.raises(ValueError, match="HARNESS_FSL_MU"):
        losses.env_settings()


def test_class_maps_that_do_not_fit_their_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="labels B x C"):
        losses.cam_from_logits(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4))


def test_losses_of_the_two_modes_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(2, 4, 9, 7, dtype=torch.float64)
    arguments = (torch.randn(2, 3, 20, 20), logits, torch.ones(2, 4))
    exact = losses.fsl_from_logits(*arguments)
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    torch.testing.assert_close(losses.fsl_from_logits(*arguments), exact, rtol=1e-5, atol=0)
