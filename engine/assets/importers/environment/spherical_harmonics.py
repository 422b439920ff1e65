"""Spherical harmonics of pictures of all directions: transform, convolution with a lobe, and back.

A picture has its rows at equal angles from the pole, its columns at equal angles around it, at the middle of
each pixel. Sums are numpy's own loops in double precision, never a library's with threads, so that results do
not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

_DEGREES_AT_ONCE = 16


def row_angles(rows: int) -> Doubles:
    """Return the angle of each row from the pole, in radians."""
    return (np.arange(rows, dtype=np.float64) + 0.5) * (np.pi / rows)


def row_weights(rows: int) -> Doubles:
    """Return the weight of each row in an integral over the cosine of its angle; their sum is 2.

    Fejér's first rule, exact for polynomials of a degree below `rows` (J. Waldvogel, "Fast Construction of
    the Fejér and Clenshaw-Curtis Quadrature Rules", BIT 46, 2006).
    """
    k = np.arange(1, rows // 2 + 1)
    terms = np.cos(2.0 * k * row_angles(rows)[:, None]) / (4.0 * k * k - 1.0)
    weights: Doubles = (1.0 - 2.0 * terms.sum(axis=1)) * (2.0 / rows)
    return weights


def transformed(picture: npt.NDArray[np.floating], degree: int) -> Complexes:
    """Return the coefficients of float[rows, columns, channels], by degree and order.

    complex128[degree + 1, degree + 1, channels]; those of negative order are the conjugates, as the picture
    is real. `rows` must be even, and at least twice `degree` where the picture is to be found again.
    """
    rows, columns, channels = picture.shape
    around = np.fft.rfft(picture.astype(np.float64), axis=1)[:, : degree + 1]
    turn = np.exp(-1j * np.pi / columns * np.arange(around.shape[1])) * (2 * np.pi / columns)
    around *= turn[:, None] * row_weights(rows)[:, None, None]
    half = rows // 2
    north, south = around[:half], around[: half - 1 : -1]
    parts = np.zeros((2, degree + 1, 2 * channels, half))  # by parity of degree + order
    for parity, both in enumerate((north + south, north - south)):
        split = np.concatenate((both.real, both.imag), axis=2)
        parts[parity, : around.shape[1]] = split.transpose(1, 2, 0)
    odd = np.arange(degree + 1) % 2
    of_degrees = [parts[(parity + odd) % 2, np.arange(degree + 1)] for parity in (0, 1)]
    found = np.zeros((degree + 1, degree + 1, 2 * channels))
    for first, values in _legendre(degree, np.cos(row_angles(rows)[:half])):
        for parity in (0, 1):
            degrees = slice(first + parity, first + len(values), 2)
            found[degrees] = np.einsum("lmt,mct->lmc", values[parity::2], of_degrees[parity])
    return found[..., :channels] + 1j * found[..., channels:]


def picture_of(coefficients: Complexes, rows: int) -> Doubles:
    """Return the picture with these coefficients: float64[rows, 2 * rows, channels]; `rows` must be even."""
    degree, channels = len(coefficients) - 1, coefficients.shape[2]
    half = rows // 2
    split = np.concatenate((coefficients.real, coefficients.imag), axis=2)
    sums = np.zeros((2, degree + 1, 2 * channels, half))  # by parity of the degree
    for first, values in _legendre(degree, np.cos(row_angles(rows)[:half])):
        for parity in (0, 1):
            degrees = slice(first + parity, first + len(values), 2)
            sums[parity] += np.einsum("lmt,lmc->mct", values[parity::2], split[degrees])
    sums[:, 1::2] = sums[::-1, 1::2].copy()  # now by that of degree + order
    around = np.zeros((rows, rows + 1, channels), np.complex128)
    parts = (sums[:, :, :channels] + 1j * sums[:, :, channels:]).transpose(0, 3, 1, 2)
    kept = min(degree, rows) + 1
    turn = np.exp(1j * np.pi / (2 * rows) * np.arange(kept))[:, None] * (2 * rows)
    around[:half, :kept] = (parts[0] + parts[1])[:, :kept] * turn
    around[: half - 1 : -1, :kept] = (parts[0] - parts[1])[:, :kept] * turn
    return np.fft.irfft(around, n=2 * rows, axis=1)


def lobe(angles: Doubles, density: Doubles, widths: Doubles, degree: int) -> Doubles:
    """Return by what a convolution with a lobe multiplies the coefficients of each degree up to `degree`.

    The lobe is round about its axis: its density at angles from it, radians, each for an interval of that
    width. The factor of degree 0 is 1: light is spread and never lost.
    """
    weight = density * np.sin(angles) * widths
    cosine = np.cos(angles)
    factors = np.empty(degree + 1)
    before, now = np.zeros_like(cosine), np.ones_like(cosine)
    for number in range(degree + 1):
        factors[number] = np.sum(weight * now)
        before, now = now, ((2 * number + 1) * cosine * now - number * before) / (number + 1)
    relative: Doubles = factors / factors[0]
    return relative


def _legendre(degree: int, cosine: Doubles) -> Iterator[tuple[int, Doubles]]:
    """Yield the associated Legendre functions of some degrees at a time, with the first of these degrees.

    float64[degrees, degree + 1, angles], by degree, order and angle, normalised so that their squares over
    the sphere, times that of a wave around it, are 1. The first degree is even. Recurrence: S. Holmes, W.
    Featherstone, "A unified approach to the Clenshaw summation", Journal of Geodesy 76, 2002.
    """
    sine = np.sqrt(1.0 - cosine * cosine)
    orders = np.arange(degree + 1, dtype=np.float64)[:, None]
    before, now = np.zeros((degree + 1, len(cosine))), np.zeros((degree + 1, len(cosine)))
    diagonal = np.full(len(cosine), np.sqrt(0.25 / np.pi))
    block = np.zeros((_DEGREES_AT_ONCE, degree + 1, len(cosine)))
    for number in range(degree + 1):
        at = number % _DEGREES_AT_ONCE
        lower = orders[:number]
        if number:
            squares = float(number * number) - lower * lower
            rise = np.sqrt((4.0 * number * number - 1.0) / squares)
            last = number - 1.0
            fall = (
                np.sqrt(np.maximum(last * last - lower * lower, 0.0) / (4.0 * last * last - 1.0))
                if last
                else 0.0
            )
            block[at, :number] = rise * (cosine * now[:number] - fall * before[:number])
            diagonal = diagonal * sine * np.sqrt((2.0 * number + 1.0) / (2.0 * number))
        block[at, number] = diagonal
        block[at, number + 1 :] = 0.0
        before, now = now, block[at].copy()
        if at == _DEGREES_AT_ONCE - 1 or number == degree:
            yield number - at, block[: at + 1]
