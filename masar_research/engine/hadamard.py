"""Hadamard matrices: orthogonal columns of plus and minus one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hadamard(at_least: int) -> NDArray[np.float64]:
    """A Hadamard matrix of the smallest order ≥ `at_least` that the constructions here reach.

    Orders 1, 2, q + 1 (q prime, 3 mod 4), 2 (q + 1) (q prime, 1 mod 4), and doublings of these
    (Paley 1933; Sylvester 1867).

    Parameters
    ----------
    at_least : int

    Returns
    -------
    ndarray (R, R)
        ±1, first column and first row all ones; ``H H' = R I``.

    Examples
    --------
    >>> H = hadamard(5)
    >>> H.shape, bool((H @ H.T == 8 * np.eye(8)).all())
    ((8, 8), True)
    """
    order = at_least
    while True:
        found = _of_order(order)
        if found is not None:
            found = found * found[:, :1]
            return found * found[:1, :]
        order += 1


def _of_order(order: int) -> NDArray[np.float64] | None:
    if order == 1:
        return np.ones((1, 1))
    if order == 2:
        return np.array([[1.0, 1.0], [1.0, -1.0]])
    if order % 4:
        return None
    if _prime(order - 1) and (order - 1) % 4 == 3:
        return _paley_one(order - 1)
    if _prime(order // 2 - 1) and (order // 2 - 1) % 4 == 1:
        return _paley_two(order // 2 - 1)
    half = _of_order(order // 2)
    return None if half is None else np.block([[half, half], [half, -half]])


def _prime(q: int) -> bool:
    return q > 1 and all(q % d for d in range(2, int(q**0.5) + 1))


def _residues(q: int) -> NDArray[np.float64]:
    """(q, q) Jacobsthal matrix: 1 where j − i is a square modulo q, −1 where not, 0 on the diagonal."""
    character = -np.ones(q)
    character[np.arange(1, q) ** 2 % q] = 1.0
    character[0] = 0.0
    return character[(np.arange(q)[None, :] - np.arange(q)[:, None]) % q]


def _paley_one(q: int) -> NDArray[np.float64]:
    skew = np.zeros((q + 1, q + 1))
    skew[0, 1:], skew[1:, 0] = 1.0, -1.0
    skew[1:, 1:] = _residues(q)
    return skew + np.eye(q + 1)


def _paley_two(q: int) -> NDArray[np.float64]:
    conference = np.zeros((q + 1, q + 1))
    conference[0, 1:], conference[1:, 0] = 1.0, 1.0
    conference[1:, 1:] = _residues(q)
    plus, minus = np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0, -1.0], [-1.0, -1.0]])
    return np.kron(conference, plus) + np.kron(np.eye(q + 1), minus)
