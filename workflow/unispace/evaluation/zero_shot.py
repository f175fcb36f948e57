"""Classification by texts: an image is given the class whose prompt lies nearest to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.classification import Labels, classify, nearest_neighbours
from unispace.evaluation.measure import Measure


def name_images(
    vectors: NDArray[np.floating], prompts: NDArray[np.floating], prompt_label: Labels
) -> Labels:
    """Label every image by the prompt of highest cosine.

    The scale and bias that a CLIP or SigLIP learns for its logits change no order, so none is asked for. Prompts
    equally near are taken in their order.

    Args:
        vectors: `(n, d)` of images.
        prompts: `(c, d)` of classes, in the same space.
        prompt_label: `(c,)` any integers, each once.

    Returns:
        `(n,)` predicted labels.

    Raises:
        ValueError: Shapes differ, a label stands twice, or a row is zero or not finite.
    """
    if len(np.unique(prompt_label)) != len(prompt_label):
        raise ValueError("a class has two prompts; average them first")
    return nearest_neighbours(prompts, prompt_label, vectors, 1)


def zero_shot(
    vectors: NDArray[np.floating],
    label: Labels,
    prompts: NDArray[np.floating],
    prompt_label: Labels,
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    """Accuracy of zero-shot classification, among the classes that the images have.

    Args:
        vectors: `(n, d)` of images.
        label: `(n,)` true labels.
        prompts: `(c, d)` of classes, in the same space.
        prompt_label: `(c,)`, a prompt for each of the true labels; other prompts are left out.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        As `classification.classify`.

    Raises:
        ValueError: A true label has no prompt; and as `name_images`.
    """
    used = np.isin(prompt_label, label)
    missing = np.setdiff1d(label, prompt_label)
    if len(missing):
        raise ValueError(f"label {missing[0]} has no prompt")
    predicted = name_images(vectors, prompts[used], prompt_label[used])
    return classify(predicted, label, resamples, rng)
