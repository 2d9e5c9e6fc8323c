"""FSMN-VAD: funasr's own network and weights, with our batches and our end-point detection.

funasr takes a single recording at a time and runs a state machine over every 10 ms frame in Python, at 36 us a frame
(models/fsmn_vad_streaming/model.py, 1.4). Here all channels of a recording go through the network together, and
`find_utterances` jumps from event to event: what the state machine does between two events follows from the number of
speech frames in a sliding window, which is summed beforehand. Both equal funasr's own result; tests hold them to it on
real recordings and on random bits. Utterances over `asr.max_segment_ms` are split at their quietest place, where funasr
would split in the middle of a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

from qareport.asr.fbank import FRAME_MS, Stacker, check_front_end, log_mel
from qareport.asr.funasr_modules import import_funasr
from qareport.asr.model_files import VadFiles
from qareport.asr.vad_refinement import split_long
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.errors import ModelError
from qareport.messages import say
from qareport.settings import AsrSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing:
    """The numbers of `model_conf` that decide where utterances begin and end, in milliseconds."""

    max_end_silence_ms: int
    max_single_segment_ms: float = 60_000
    window_ms: int = 200
    silence_to_speech_ms: int = 150
    speech_to_silence_ms: int = 150
    lookback_ms: int = 200
    lookahead_ms: int = 100

    @property
    def window(self) -> int:
        """Frames of the sliding window."""
        return self.window_ms // FRAME_MS

    @property
    def latency(self) -> int:
        """Frames before its onset at which an utterance begins, unless the previous one reaches as far."""
        return self.window + self.lookback_ms // FRAME_MS

    @property
    def longest(self) -> int:
        """Frames after its first at which an utterance is ended, speech or not."""
        return int(self.max_single_segment_ms // FRAME_MS)

    @property
    def end_silence_ms(self) -> int:
        """Silence that ends an utterance, counted from where the window has fallen silent."""
        return self.max_end_silence_ms - self.speech_to_silence_ms

    @property
    def given_back(self) -> int:
        """Frames of that silence that are not part of the utterance."""
        return max(0, int(self.end_silence_ms / FRAME_MS) - self.lookahead_ms // FRAME_MS - 1)


def find_utterances(speech: npt.NDArray[np.bool_], options: Endpointing) -> list[tuple[int, int]]:
    """Find utterances in frames.

    Args:
        speech: bool [frames], whether each 10 ms holds speech.
        options: when an utterance begins and ends.

    Returns:
        (start_ms, end_ms), ordered, not overlapping.
    """
    return list(_walk(speech, options)) if speech.size else []


def _walk(speech: npt.NDArray[np.bool_], options: Endpointing) -> Iterator[tuple[int, int]]:
    sums = np.concatenate(([0], np.cumsum(speech, dtype=np.int64)))
    begun, earliest = 0, 0  # the window holds frames from `begun`; frames before `earliest` belong to an utterance
    while (onset := _onset(sums, begun, options)) is not None:
        first = max(earliest, onset - options.latency)
        end, last = _end(sums, begun, onset, first, options)
        yield first * FRAME_MS, (end + 1) * FRAME_MS
        begun, earliest = last + 1, end + 1


def _window_sums(sums: npt.NDArray[np.int64], begun: int, first: int, last: int, window: int) -> npt.NDArray[np.int64]:
    """Count speech in the windows that end with each of the frames [first, last), from frame `begun` on."""
    ends = np.arange(first + 1, last + 1)
    counts: npt.NDArray[np.int64] = sums[ends] - sums[np.maximum(ends - window, begun)]
    return counts


#: Frames that are examined in a stride: long enough to save calls, short enough to waste little.
_STRIDE = 512


def _onset(sums: npt.NDArray[np.int64], begun: int, options: Endpointing) -> int | None:
    """Return the first frame from `begun` on whose window holds enough speech."""
    needed, frames = options.silence_to_speech_ms // FRAME_MS, sums.size - 1
    for first in range(begun, frames, _STRIDE):
        last = min(first + _STRIDE, frames)
        hits = np.flatnonzero(_window_sums(sums, begun, first, last, options.window) >= needed)
        if hits.size:
            return first + int(hits[0])
    return None


def _end(sums: npt.NDArray[np.int64], begun: int, onset: int, first: int, options: Endpointing) -> tuple[int, int]:
    """Return the last frame of an utterance and the frame at which that is decided.

    In speech, the window falls silent at `speech_to_silence` or fewer and wakes at `silence_to_speech` or more. Silence
    is counted from the frame after it has fallen silent. The end of the recording and the greatest length end it too.
    """
    frames = sums.size - 1
    limit = max(onset + 1, first + options.longest)
    stop = min(limit, frames - 1)
    if onset + 1 >= frames:  # the onset is the very last frame
        return onset, onset
    wake, fall = options.silence_to_speech_ms // FRAME_MS, options.speech_to_silence_ms // FRAME_MS
    silent, count = False, 0
    for begin in range(onset + 1, stop + 1, _STRIDE):
        until = min(begin + _STRIDE, stop + 1)
        counts = _window_sums(sums, begun, begin, until, options.window)
        if not silent and int(counts.min()) > fall:
            continue
        for frame, held in enumerate(counts.tolist(), begin):
            if silent and held < wake:
                count += 1
                if count * FRAME_MS >= options.end_silence_ms:
                    return frame - options.given_back, frame
                continue
            silent, count = not silent and held <= fall, 0
    return stop, stop


#: Frames that go through the network at once, with its memory of earlier frames: a minute, as in funasr.
_BLOCK = 6000
#: Values of the configuration that this code relies on; other values mean another detector.
_EXPECTED = {
    "sample_rate": SAMPLE_RATE, "detect_mode": 1, "snr_mode": 0, "do_start_point_detection": True,
    "do_end_point_detection": True, "do_extend": 1, "silence_pdf_num": 1, "sil_pdf_ids": [0], "frame_in_ms": 10,
    "frame_length_ms": 25, "speech_2_noise_ratio": 1.0, "output_frame_probs": False,
}  # fmt: skip
#: Levels in use lie in [-60, 27] dB (10·log10 of a frame's energy + 1e-6), so thresholds from here down never decide.
_IDLE_THRESHOLD = -100.0


class FsmnVad:
    """FSMN-VAD over complete recordings. Holds no state between calls; several threads may use it."""

    def __init__(
        self,
        files: VadFiles,
        settings: AsrSettings,
        *,
        device: str = "cpu",
        max_single_segment_ms: float | None = None,
    ) -> None:
        """Load and check a model.

        Args:
            files: a checked model directory.
            settings: `max_end_silence_ms` and `max_segment_ms`.
            device: "cpu", "cuda" or "cuda:N".
            max_single_segment_ms: end utterances at this length, even within a word, as funasr's
                `max_single_segment_time` does; the model's own limit (60 s) unless given.

        Raises:
            ModelError: weights that do not fit, or a configuration that this code would not follow exactly.
        """
        if torch.device(device).type == "cuda":
            # Else a GPU's convolutions round their inputs to ten bits, while thresholds decide on smaller differences.
            torch.backends.cudnn.allow_tf32 = False
        config = _config(files)
        conf: Mapping[str, Any] = config["model_conf"]
        self._encoder = _load_encoder(files, config["encoder_conf"]).to(device)
        self._log_mel = log_mel(device)
        self._stack = _stacker(files, config["frontend_conf"], device)
        self._threshold = float(conf["speech_noise_thres"])
        self._max_segment_ms = settings.max_segment_ms
        self._options = Endpointing(
            max_end_silence_ms=settings.max_end_silence_ms,
            max_single_segment_ms=max_single_segment_ms or conf["max_single_segment_time"],
            window_ms=conf["window_size_ms"],
            silence_to_speech_ms=conf["sil_to_speech_time_thres"],
            speech_to_silence_ms=conf["speech_to_sil_time_thres"],
            lookback_ms=conf["lookback_time_start_point"],
            lookahead_ms=conf["lookahead_time_end_point"],
        )

    def find(self, samples: Samples, mels: torch.Tensor | None = None) -> list[list[tuple[int, int]]]:
        """Find the utterances on each channel (see `Vad`)."""
        return [
            split_long(channel, spans, max_ms=self._max_segment_ms)
            for channel, spans in zip(samples, self.utterances(samples, mels), strict=True)
        ]

    def utterances(self, samples: Samples, mels: torch.Tensor | None = None) -> list[list[tuple[int, int]]]:
        """Find utterances as funasr does, before long ones are split.

        Args:
            samples: float32 [channels, samples] in [-1, 1] at 16 kHz.
            mels: their log-mel features, where they have been computed already.
        """
        features = self._log_mel(samples) if mels is None else mels
        return [find_utterances(row, self._options) for row in self.speech(features)]

    @torch.inference_mode()
    def speech(self, mels: torch.Tensor) -> npt.NDArray[np.bool_]:
        """Tell for each 10 ms whether it holds speech, bool [channels, frames].

        A frame counts as speech when p(speech) >= p(silence) + threshold, computed as funasr computes it: through
        logarithms, in double precision.
        """
        channels, frames, _ = mels.shape
        if not frames:
            return np.zeros((channels, 0), np.bool_)
        memory: dict[str, torch.Tensor] = {}
        blocks = [
            self._encoder(self._stack(mels, first, min(first + _BLOCK, frames)), cache=memory)[..., 0]
            for first in range(0, frames, _BLOCK)
        ]
        silence = torch.cat(blocks, dim=1).cpu().numpy().astype(np.float64)
        with np.errstate(divide="ignore"):
            speech: npt.NDArray[np.bool_] = np.exp(np.log(1.0 - silence)) >= np.exp(np.log(silence)) + self._threshold
        return speech


def _config(files: VadFiles) -> Mapping[str, Any]:
    config = yaml.safe_load(files.config.read_text(encoding="utf-8"))
    conf = config.get("model_conf")
    if not isinstance(conf, dict) or not isinstance(config.get("encoder_conf"), dict):
        raise ModelError(say("lacks model_conf or encoder_conf"), where=str(files.config))
    for key, value in _EXPECTED.items():
        if conf.get(key, value) != value:
            raise ModelError(
                say("model_conf.{key} is {conf!r}", key=key, conf=conf[key]),
                where=str(files.config),
                expected=repr(value),
            )
    for key in ("snr_thres", "decibel_thres"):
        if float(conf.get(key, _IDLE_THRESHOLD)) > _IDLE_THRESHOLD:
            raise ModelError(
                say("model_conf.{key} is {conf}", key=key, conf=conf[key]),
                where=str(files.config),
                expected=say("-100, not in use"),
            )
    if config["frontend_conf"].get("lfr_n") != 1:
        raise ModelError(
            say("frontend_conf.lfr_n is not 1"), where=str(files.config), expected=say("a frame each 10 ms")
        )
    return {**config, "model_conf": {**_DEFAULTS, **conf}}


#: funasr's own defaults (VADXOptions).
_DEFAULTS = {
    "speech_noise_thres": 0.6, "max_single_segment_time": 60_000, "window_size_ms": 200,
    "sil_to_speech_time_thres": 150, "speech_to_sil_time_thres": 150, "lookback_time_start_point": 200,
    "lookahead_time_end_point": 100,
}  # fmt: skip


def _load_encoder(files: VadFiles, conf: Mapping[str, Any]) -> torch.nn.Module:
    """Build funasr's network and load its weights; each must be present and fit."""
    (fsmn,) = import_funasr("models.fsmn_vad_streaming.encoder")
    try:
        encoder: torch.nn.Module = fsmn.FSMN(**conf)
        state = torch.load(files.weights, map_location="cpu", weights_only=True)
        encoder.load_state_dict({name.removeprefix("encoder."): value for name, value in state.items()})
    except Exception as error:  # torch raises pickle, zip, type and runtime errors alike
        reason = " ".join(str(error).split())
        raise ModelError(
            say("does not fit {name} ({reason})", name=files.config.name, reason=reason), where=str(files.weights)
        ) from error
    return encoder.eval()


def _stacker(files: VadFiles, conf: Mapping[str, Any], device: str) -> Stacker:
    (frontend,) = import_funasr("frontends.wav_frontend")
    check_front_end(conf, str(files.config))
    cmvn = frontend.load_cmvn(str(files.cmvn))
    return Stacker(around=int(conf["lfr_m"]), step=int(conf["lfr_n"]), cmvn=cmvn, device=device)
