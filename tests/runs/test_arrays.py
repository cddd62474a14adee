import numpy as np

from kerasnets.runs.arrays import count_errors


def test_a_single_logit_tells_two_classes():
    labels = np.array([0, 1, 1, 1])
    assert count_errors(np.array([[-1.0], [2.0], [3.0], [-4.0]]), labels) == 1
    assert count_errors(np.array([[1.0, 0], [0, 2], [0, 3], [4, 0]]), labels) == 1
