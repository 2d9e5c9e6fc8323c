"""Find sound that is on two channels: the same mix twice, shifted in time, or one speaker's echo beside the other.

Unrelated voices hardly ever correlate strongly at the same lag twice; a copy does wherever it is heard alone. So
windows all over the recording are correlated over a range of lags, at a low sample rate, and windows that agree on a
lag are counted. The cost hardly depends on the length: about 0.03 s of CPU a recording of three minutes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qareport.audio.resampling import SAMPLE_RATE, Samples

#: Correlation works at 4 kHz: there voices have most of their energy, and a lag is known to 0.25 ms.
_DECIMATION = 4
_RATE = SAMPLE_RATE // _DECIMATION
#: So many samples at that rate are made at once: what they are made of stays in the processor's cache.
_CACHED = 1 << 14
#: In samples at that rate: a window of about a second, and lags of up to 400 ms each way.
_WINDOW, _MOST_LAG = 4096, 1600
_TRANSFORM = 8192
#: So many windows are looked at, all over the recording.
_WINDOWS = 96
#: So many of them are correlated at once: their spectra and sums stay in the processor's cache.
_WINDOWS_AT_ONCE = 8
#: Quieter windows than this below the loudest ones hold no speech worth comparing.
_QUIET_DB = 25.0
#: A window holds a copy when this share of its energy is the other channel's (squared correlation).
_COPY = 0.4
#: And hardly anything else when it is this.
_PURE = 0.8
#: A lag is believed when so many windows, and this share of them, agree on it.
_LEAST_WINDOWS, _LEAST_SHARE = 3, 0.06
#: The channels are the same mix when this share of the windows agrees, at about the same gain, in dB.
_SAME_SHARE, _SAME_SPREAD_DB, _SAME_GAIN_DB = 0.9, 3.0, 12.0
#: The path from a channel to its copy: coefficients at 16 kHz around the lag, and windows to estimate them from.
_TAPS, _TAP_WINDOWS = 32, 24
_RIDGE = 1e-3
#: In ms: the levels of a channel and of the expected copy are compared in such frames, over such a neighbourhood, and
#: gaps and runs that are shorter than this are closed and dropped.
_FRAME_MS, _SMOOTH_FRAMES, _RUN_FRAMES = 20, 5, 8
#: A frame holds nothing but the copy when its power is below so many times the expected one (3 dB).
_COPY_POWER = 2.0
#: The noise of a channel is its power in the quietest tenth; a copy that is fainter than a tenth of it is not heard.
_NOISE_PERCENTILE, _FAINT = 10, 0.1
#: Mean square of the faintest sound that counts, -60 dBFS.
_AUDIBLE = 1e-6
#: In seconds: a recording is worked on in such pieces, which bounds memory.
_PIECE = 60

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leak:
    """The sound of one channel that is on another, quieter."""

    source: int
    target: int
    #: Samples at 16 kHz by which the copy is later, at most 0.4 s either way; that of the first of `taps`.
    lag: int
    #: float32 [coefficients]: the copy is the source filtered with these.
    taps: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSound:
    """What channels have in common."""

    #: All channels carry the same mix, up to a lag and a gain.
    identical: bool = False
    leaks: tuple[Leak, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Agreement:
    """The windows of two channels that agree on a lag."""

    lag: int
    #: First samples of the windows, at the low rate.
    starts: npt.NDArray[np.int64]
    #: Of each window, the squared correlation and the gain from the first channel to the second in dB.
    shares: _Floats
    gains_db: _Floats
    #: Which part of all windows they are.
    agreeing: float


def find_shared_sound(samples: Samples) -> SharedSound:
    """Look for copies of one channel on another.

    Args:
        samples: float32 [channels, samples] at 16 kHz.
    """
    low = [_decimate(channel) for channel in samples]
    pairs = list(itertools.combinations(range(len(low)), 2))
    agreed = {pair: _agreements(low[pair[0]], low[pair[1]]) for pair in pairs}
    if pairs and all(any(map(_is_same_mix, agreed[0, other])) for other in range(1, len(low))):
        return SharedSound(identical=True)
    leaks = [leak for pair in pairs for found in agreed[pair] for leak in _leaks(samples, pair, found)]
    best: dict[tuple[int, int], Leak] = {}
    for leak in leaks:  # the lag that most windows agree on comes first
        best.setdefault((leak.source, leak.target), leak)
    return SharedSound(leaks=tuple(best.values()))


def remove_copies(samples: Samples, leaks: tuple[Leak, ...]) -> tuple[Samples, float]:
    """Silence the channels where they hold nothing but the copy of another one.

    Args:
        samples: float32 [channels, samples] at 16 kHz; not changed.
        leaks: as `find_shared_sound` gives them.

    Returns:
        The channels, and the seconds of them that were silenced.
    """
    result = samples.copy()
    frame = SAMPLE_RATE * _FRAME_MS // 1000
    silenced = 0
    for leak in leaks:
        copies = _copy_frames(samples, leak)
        power = _power(samples[leak.target])
        audible = power > _AUDIBLE + 4 * np.percentile(power, _NOISE_PERCENTILE)
        silenced += int(np.count_nonzero(copies & audible))
        rows = result[leak.target, : copies.size * frame].reshape(-1, frame)
        rows[copies] = 0.0
    return result, silenced * _FRAME_MS / 1000


def _decimate(channel: Samples) -> Samples:
    """Bring a channel to the low rate, and flatten the spectrum of voices so that correlation is sharp."""
    rows = channel[: channel.size // _DECIMATION * _DECIMATION].reshape(-1, _DECIMATION)
    whole: Samples = np.empty(len(rows), np.float32)
    for first in range(0, len(rows), _CACHED):
        part, mean = rows[first : first + _CACHED], whole[first : first + _CACHED]
        np.add(part[:, 0], part[:, 1], out=mean)
        for place in range(2, _DECIMATION):  # `mean` is slow over short rows
            mean += part[:, place]
        mean /= np.float32(_DECIMATION)
    flat: Samples = np.empty_like(whole)
    flat[:1] = 0
    np.multiply(whole[:-1], np.float32(-0.9), out=flat[1:])
    flat[1:] += whole[1:]
    return flat


def _agreements(first: Samples, second: Samples) -> list[_Agreement]:
    """Find the lags on which windows of two channels agree, the most agreed upon first, at most two."""
    starts = _active_windows(first, second)
    if starts.size < _LEAST_WINDOWS:
        return []
    shares, gains = _correlate(first, second, starts)
    copies = shares > _COPY
    near = copies.copy()  # a lag between two samples shows at either
    near[:, 1:] |= copies[:, :-1]
    near[:, :-1] |= copies[:, 1:]
    found: list[_Agreement] = []
    least = max(_LEAST_WINDOWS, _LEAST_SHARE * starts.size)
    while len(found) < 2:
        counts = near.sum(axis=0) + 1e-3 * shares.mean(axis=0)
        column = int(np.argmax(counts))
        agreeing = near[:, column]
        if np.count_nonzero(agreeing) < least:
            break
        found.append(
            _Agreement(
                lag=column - _MOST_LAG,
                starts=starts[agreeing],
                shares=shares[agreeing, column],
                gains_db=10 * np.log10(gains[agreeing, column]),
                agreeing=float(np.mean(agreeing)),
            )
        )
        near = near & ~agreeing[:, None]
    return found


def _active_windows(first: Samples, second: Samples) -> npt.NDArray[np.int64]:
    """Return the starts of windows in which someone speaks, all over the recording."""
    usable = min(first.size, second.size) - 2 * _MOST_LAG
    count = max(0, usable // _WINDOW)
    if not count:
        return np.zeros(0, np.int64)
    stretch = slice(_MOST_LAG, _MOST_LAG + count * _WINDOW)
    powers = [np.square(channel[stretch]).reshape(count, _WINDOW).mean(axis=1) for channel in (first, second)]
    power = np.maximum(*powers) + 1e-12
    active = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (-_QUIET_DB / 10))
    chosen = active[np.unique(np.linspace(0, active.size - 1, _WINDOWS).astype(np.int64))] if active.size else active
    return np.asarray(_MOST_LAG + chosen * _WINDOW, np.int64)


def _correlate(first: Samples, second: Samples, starts: npt.NDArray[np.int64]) -> tuple[_Floats, _Floats]:
    """Correlate windows of the first channel with the second over all lags.

    Returns:
        The squared correlation and the gain of power, [windows, lags] each.
    """
    lags = 2 * _MOST_LAG + 1
    shares, gains = np.empty((len(starts), lags)), np.empty((len(starts), lags))
    floor = _WINDOW * 1e-12
    for at in range(0, len(starts), _WINDOWS_AT_ONCE):
        some = slice(at, at + _WINDOWS_AT_ONCE)
        here = np.stack([first[start : start + _WINDOW] for start in starts[some]])
        there = np.stack([second[start - _MOST_LAG : start + _WINDOW + _MOST_LAG] for start in starts[some]])
        spectrum = np.conj(np.fft.rfft(here, _TRANSFORM)) * np.fft.rfft(there, _TRANSFORM)
        products = np.fft.irfft(spectrum, _TRANSFORM)[:, :lags]
        sums = np.zeros((len(there), there.shape[1] + 1))
        np.cumsum(np.square(there), axis=1, dtype=np.float64, out=sums[:, 1:])
        energy_there = sums[:, _WINDOW : _WINDOW + lags] - sums[:, :lags] + floor
        energy_here = np.square(here, dtype=np.float64).sum(axis=1, keepdims=True) + floor
        np.divide(np.square(products), energy_here * energy_there, out=shares[some])
        np.divide(energy_there, energy_here, out=gains[some])
    return shares, gains


def _is_same_mix(found: _Agreement) -> bool:
    low, middle, high = np.percentile(found.gains_db, [10, 50, 90])
    return bool(found.agreeing >= _SAME_SHARE and high - low <= _SAME_SPREAD_DB and abs(middle) <= _SAME_GAIN_DB)


def _leaks(samples: Samples, pair: tuple[int, int], found: _Agreement) -> list[Leak]:
    """Return the leaks that windows tell of: from the louder channel to the quieter, which may be both ways."""
    first, second = pair
    leaks = []
    for source, target, lag, towards in (
        (first, second, found.lag, found.gains_db < 0),
        (second, first, -found.lag, found.gains_db >= 0),
    ):
        if np.count_nonzero(towards) >= _LEAST_WINDOWS:
            pure = towards & (found.shares > _PURE)  # windows in which the other one speaks, too, spoil the estimate
            chosen = pure if np.count_nonzero(pure) >= _LEAST_WINDOWS else towards
            starts = found.starts[chosen] + (0 if source == first else found.lag)
            first_lag = lag * _DECIMATION - _TAPS // 2
            taps = _path(samples[source], samples[target], starts * _DECIMATION, first_lag)
            leaks.append(Leak(source=source, target=target, lag=first_lag, taps=taps))
    return leaks


def _path(source: Samples, target: Samples, starts: npt.NDArray[np.int64], lag: int) -> Samples:
    """Estimate the coefficients of the path by least squares over some windows, float32 [coefficients]."""
    size = _WINDOW * _DECIMATION
    own, cross = np.zeros(_TAPS), np.zeros(_TAPS)
    for start in starts[np.unique(np.linspace(0, starts.size - 1, _TAP_WINDOWS).astype(np.int64))]:
        here = source[start : start + size].astype(np.float64)
        begin = start + lag
        if begin < 0 or begin + size + _TAPS > target.size or here.size < size:
            continue
        there = target[begin : begin + size + _TAPS].astype(np.float64)
        weight = 1.0 / (float(np.square(here).sum()) + 1e-9)
        spectrum = np.conj(np.fft.rfft(here, 2 * size))
        own += weight * np.fft.irfft(np.abs(spectrum) ** 2)[:_TAPS]
        cross += weight * np.fft.irfft(spectrum * np.fft.rfft(there, 2 * size))[:_TAPS]
    gram = own[np.abs(np.subtract.outer(np.arange(_TAPS), np.arange(_TAPS)))]
    gram[np.diag_indices(_TAPS)] += _RIDGE * own[0] + 1e-12
    return np.asarray(np.linalg.solve(gram, cross), np.float32)


def _copy_frames(samples: Samples, leak: Leak) -> _Flags:
    """Tell for each frame of the target whether it holds nothing but the copy."""
    source, target = samples[leak.source], samples[leak.target]
    piece = _PIECE * SAMPLE_RATE
    expected = np.concatenate(
        [_power(_copy_of(source, leak, at, min(at + piece, source.size))) for at in range(0, source.size, piece)]
    )
    present = _power(target)
    count = min(expected.size, present.size)
    kernel = np.ones(_SMOOTH_FRAMES) / _SMOOTH_FRAMES
    expected, present = (np.convolve(power[:count], kernel, mode="same") for power in (expected, present))
    noise = np.percentile(present, _NOISE_PERCENTILE) if count else 0.0
    copies = (present < _COPY_POWER * expected + noise) & (expected > _FAINT * noise + 1e-10)
    return _without_short_runs(_without_short_runs(copies, False), True)


def _copy_of(source: Samples, leak: Leak, begin: int, end: int) -> Samples:
    """Return what the source leaves on the target between two samples."""
    first = begin - leak.lag - (_TAPS - 1)
    stretch = source[max(0, first) : max(0, end - leak.lag)]
    padded = np.pad(stretch, (max(0, -first), 0))
    padded = np.pad(padded, (0, max(0, end - begin + _TAPS - 1 - padded.size)))
    return np.convolve(padded, leak.taps, mode="valid")[: end - begin]


def _power(channel: Samples) -> Samples:
    frame = SAMPLE_RATE * _FRAME_MS // 1000
    rows = channel[: channel.size // frame * frame].reshape(-1, frame)
    power: Samples = np.einsum("ij,ij->i", rows, rows) / frame
    return power


def _without_short_runs(flags: _Flags, value: bool) -> _Flags:
    """Turn runs of a value over that are shorter than `_RUN_FRAMES`."""
    edges = np.flatnonzero(np.diff(flags)) + 1
    bounds = [0, *edges.tolist(), flags.size]
    result = flags.copy()
    for first, last in itertools.pairwise(bounds):
        if last > first and flags[first] == value and last - first < _RUN_FRAMES:
            result[first:last] = not value
    return result
