"""Voice activity detection by silero-vad, all chunks of a recording at once.

The published model takes one 32 ms chunk a call, with its state inside. Only its recurrent layer needs that order:
the spectrum and the convolutions of a chunk depend on the chunk and the 64 samples before it. So those run over all
chunks at once and the recurrent layer over the complete sequence: the same probabilities to 1e-5 (a test compares
them with the published loop), two to six times faster, and without state, so several threads may use one model.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from qareport.asr.fbank import FRAME_MS
from qareport.asr.vad_refinement import levels, loud_stretches, split_long, trim_ends
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.errors import ModelError
from qareport.messages import say
from qareport.settings import AsrSettings

#: Samples of a chunk, and samples before it that the model sees again (silero-vad at 16 kHz).
CHUNK = 512
CONTEXT = 64
#: Chunks that go through the convolutions at once: 64 s, which bounds memory.
_BLOCK = 2000
#: Speech begins at this probability; it ends 0.15 below (silero-vad's own values).
_THRESHOLD = 0.5
#: Added on each side of an utterance. The first sound of a word is often missed by a chunk or two.
SPEECH_PAD_MS = 60
#: A stretch that is examined again begins and ends this far outside what is loud.
_MARGIN_MS = 250
#: Shorter sounds are clicks. "嗯" and "好" last 200 ms and more.
MIN_SPEECH_MS = 200


class SileroVad:
    """silero-vad 6 over complete recordings. Holds no state between calls; several threads may use it."""

    def __init__(self, settings: AsrSettings) -> None:
        self._settings = settings
        self._package, model = _load_silero()
        try:
            inner = model._model
            self._extract: Any = inner.run_extractors
            self._encode: Any = inner.encoder
            self._decode: Any = inner.decoder.decoder
            self._rnn = _sequence(inner.decoder.rnn)
        except (AttributeError, RuntimeError, KeyError) as error:
            raise ModelError(
                say("silero-vad is built in another way than expected ({error})", error=error),
                expected=say("silero-vad>=6.2,<7"),
            ) from error
        self._model = model  # keeps the parts above alive

    @torch.inference_mode()
    def probabilities(self, samples: Samples) -> Samples:
        """Return the probability of speech for each 32 ms, float32 [channels, chunks]."""
        channels, length = samples.shape
        chunks = -(-length // CHUNK)
        padded = torch.zeros((channels, CONTEXT + chunks * CHUNK))
        padded[:, CONTEXT : CONTEXT + length] = torch.from_numpy(samples)
        windows = padded.unfold(1, CONTEXT + CHUNK, CHUNK)
        state: tuple[torch.Tensor, torch.Tensor] | None = None
        result = [torch.zeros((channels, 0))]
        for block in torch.split(windows, _BLOCK, dim=1):
            encoded = self._encode(self._extract(block.reshape(-1, CONTEXT + CHUNK))).squeeze(-1)
            hidden, state = self._rnn(encoded.reshape(channels, block.shape[1], -1), state)
            speech = self._decode(hidden.reshape(-1, hidden.shape[-1], 1))
            result.append(speech.reshape(channels, -1))
        probabilities: Samples = torch.cat(result, dim=1).numpy()
        return probabilities

    def encode(self, windows: torch.Tensor) -> torch.Tensor:
        """Encode windows, float32 [windows, CONTEXT + CHUNK], for `advance`: float32 [windows, values]."""
        encoded: torch.Tensor = self._encode(self._extract(windows)).squeeze(-1)
        return encoded

    def advance(
        self, encoded: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Go on by as many windows on each of some channels.

        Args:
            encoded: what `encode` returned of them, float32 [channels, windows, values].
            hidden: float32 [1, channels, values], and so is `cell`: what the channels were left with.
            cell: see `hidden`.

        Returns:
            the probabilities of speech, float32 [channels, windows], and the new states, float32 [channels, values]
            each.
        """
        output, (hidden, cell) = self._rnn(encoded, (hidden, cell))
        speech: torch.Tensor = self._decode(output.reshape(-1, output.shape[-1], 1))
        return speech.reshape(encoded.shape[:2]), hidden[0], cell[0]

    def find(self, samples: Samples, mels: torch.Tensor | None = None) -> list[list[tuple[int, int]]]:
        """Find the utterances on each channel (see `Vad`)."""
        if samples.shape[1] == 0:
            return [[] for _ in samples]
        rows = self.probabilities(samples)
        return [self._find(channel, row) for channel, row in zip(samples, rows, strict=True)]

    def _find(self, channel: Samples, probabilities: Samples) -> list[tuple[int, int]]:
        level = levels(channel)
        spans = self.spans(probabilities, channel.size)
        stretches = loud_stretches(level, spans)
        if stretches:
            spans = self.spans(self._detect_again(channel, probabilities, stretches), channel.size)
        return split_long(channel, trim_ends(level, spans), max_ms=self._settings.max_segment_ms)

    def _detect_again(
        self,
        channel: Samples,
        probabilities: Samples,
        stretches: list[tuple[int, int]],
    ) -> Samples:
        """Detect again in loud stretches: after a long silence silero-vad can miss a voice that it finds alone."""
        result = probabilities.copy()
        for start_ms, end_ms in stretches:
            first = max(0, start_ms - _MARGIN_MS) * SAMPLE_RATE // 1000 // CHUNK
            last = min(probabilities.size, -(-(end_ms + _MARGIN_MS) * SAMPLE_RATE // 1000 // CHUNK))
            isolated = self.probabilities(channel[None, first * CHUNK : last * CHUNK])[0]
            part = result[first : first + isolated.size]
            np.maximum(part, isolated[: part.size], out=part)
        return result

    def spans(self, probabilities: Samples, length: int) -> list[tuple[int, int]]:
        """Return the utterances in the probabilities of one channel, as the published code finds them."""
        return list(self._spans(probabilities, length))

    def _spans(self, probabilities: Samples, length: int) -> Iterator[tuple[int, int]]:
        spans = self._package.get_speech_timestamps_from_probs(
            probabilities.tolist(),
            sampling_rate=SAMPLE_RATE,
            threshold=_THRESHOLD,
            min_speech_duration_ms=MIN_SPEECH_MS,
            min_silence_duration_ms=self._settings.max_end_silence_ms,
            speech_pad_ms=SPEECH_PAD_MS,
            audio_length_samples=length,
        )
        for span in spans:
            yield _on_frame(span["start"]), _on_frame(span["end"])


def _on_frame(sample: int) -> int:
    """Return the last 10 ms frame that begins at or before a sample, in milliseconds."""
    return sample * 1000 // SAMPLE_RATE // FRAME_MS * FRAME_MS


def _load_silero() -> tuple[Any, Any]:
    """Import silero-vad and load its model; restore the number of threads, which its import sets to one."""
    threads = torch.get_num_threads()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit announces its retirement
            from silero_vad import load_silero_vad, utils_vad

            return utils_vad, load_silero_vad()
    except ImportError as error:
        raise ModelError(say("silero-vad is not installed"), to_do=say("pip install 'qareport[engine]'")) from error
    finally:
        torch.set_num_threads(threads)


def _sequence(cell: Any) -> torch.nn.LSTM:
    """Turn the model's LSTM cell into the same layer over sequences."""
    weights = {f"{name}_l0": value for name, value in cell.state_dict().items()}
    layer = torch.nn.LSTM(weights["weight_ih_l0"].shape[1], weights["weight_hh_l0"].shape[1], batch_first=True)
    layer.load_state_dict(weights)
    return layer.eval()
