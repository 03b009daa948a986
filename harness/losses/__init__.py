"""ISL and FSL of "High-fidelity Pseudo-labels for Boosting Weakly-Supervised Segmentation".

The package runs inside steps. It needs Python 3.9 or newer and torch 2.0 or newer. It also works
without ``harness/__init__.py``, as part of a namespace package.

The losses (equations and derivation: ``docs/losses.md``)::

    feature_similarity_loss(image, prediction, *, mu=2.5, sigma=5.0, radius=None) -> scalar
    importance_sampling_loss(logits, labels, *, num_samples=10, generator=None) -> scalar

The functions that patched training scripts call. With a weight of 0 they return ``loss`` itself,
run no operation and draw no random number::

    add_arguments(parser)                --isl_weight 0 --isl_samples 10
                                         --fsl_weight 0 --fsl_mu 2.5 --fsl_sigma 5
    env_settings() -> Settings           the same five from HARNESS_ISL_WEIGHT, ..., for scripts
                                         without a parser: .isl_weight .isl_samples .fsl_weight
                                         .fsl_mu .fsl_sigma
    Tap(model, "fc8").take()             output of the last forward pass of one submodule
    isl(logits, labels, num_samples=10)  scalar; foreground logits BxCxhxw, labels BxC[x1x1]
    mix_isl(loss, logits, labels, weight, num_samples=10)
                                         (1 - weight) * loss + weight * isl
    fsl_from_logits(image, logits, labels, mu=2.5, sigma=5.0, *, background=True)
                                         scalar; ImageNet-normalised image of any size, raw class
                                         maps; background: whether channel 0 of logits and labels
                                         is the background (SEAM, PMM) or a class (the others)
    add_fsl(loss, image, logits, labels, args, *, background=True)
                                         loss + args.fsl_weight * fsl_from_logits(...); args come
                                         from add_arguments or env_settings
    cam_from_logits(logits, labels, *, background=True)  normalised maps, background first
    image_in_unit_range(image, size)     image resized to size, ImageNet normalisation undone

The environment variable HARNESS_LOSSES_MODE selects the implementation:

``exact`` (default)
    FSL is computed in closed form. ISL draws from a separate generator, seeded by HARNESS_SEED
    (default 0), so that its draws do not change dropout or shuffling.
``reference``
    FSL is computed over all pairs with the operations of the authors' code. ISL draws from torch's
    default generator. Results equal those of the authors' code bit for bit.

``harness.losses.isl`` is the function; import from its module with
``from harness.losses.isl import ...``.
"""

from __future__ import annotations

from .fsl import feature_similarity_loss
from .isl import importance_sampling_loss
from .loss_inputs import Tap, cam_from_logits, image_in_unit_range
from .patch_api import Settings, add_arguments, add_fsl, env_settings, fsl_from_logits, isl, mix_isl

__all__ = [
    "Settings",
    "Tap",
    "add_arguments",
    "add_fsl",
    "cam_from_logits",
    "env_settings",
    "feature_similarity_loss",
    "fsl_from_logits",
    "image_in_unit_range",
    "importance_sampling_loss",
    "isl",
    "mix_isl",
]
