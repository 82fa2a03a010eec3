from __future__ import annotations

import numpy as np
import pytest

from core.errors import DataError
from core.evaluation import attack_effect


def test_success_counts_images_of_other_classes_only() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [1.0, 0.0]])
    effect = attack_effect(probabilities, np.array([1, 1, 1, 0]), target=0)
    assert effect.images == 3
    np.testing.assert_allclose(effect.success, 2 / 3)
    np.testing.assert_allclose(effect.confidence, (0.9 + 0.2 + 0.6) / 3)


def test_without_images_of_another_class_it_cannot_be_said() -> None:
    with pytest.raises(DataError, match="target class"):
        attack_effect(np.ones((2, 1)), np.zeros(2, dtype=int), target=0)
