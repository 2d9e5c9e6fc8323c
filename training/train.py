"""Train the bundled model: `python -m training.train --out qareport/bundled/model`."""

import argparse
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from funasr.models.sense_voice.model import SenseVoiceSmall
from numpy.typing import NDArray

from training.augment import echo, mask, vary_voice
from training.dataset import TRAINING_COPIES, Corpus, Utterance, build_corpus
from training.decode import transcribe
from training.export import TOKENIZER_FILE, write_configuration, write_weights
from training.features import stack_frames, write_cmvn
from training.grammar import strip_punctuation
from training.loading import describe_machine, sha256
from training.network import label_ids, language_rows, new_model, pad
from training.score import Truth, summarise
from training.vocabulary import train_tokenizer

log = logging.getLogger("training.train")

RESULTS = Path(__file__).parent / "results" / "training.json"

BATCH = 40
PEAK_RATE = 1.2e-3
WARM_UP_STEPS, RESUMED_WARM_UP_STEPS = 400, 80
#: Share of batches whose language query names the language; the others say `auto`.
TOLD_SHARE = 0.15
#: The four tags weigh this much against the loss per character of the text.
TAG_WEIGHT = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Normaliser:
    """Global mean and deviation of each mel band."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def scaled(self, mel: NDArray[np.float16] | NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalise an utterance, (frames, 80)."""
        return np.asarray((mel.astype(np.float32) - self.mean) / self.std, dtype=np.float32)

    def stacked(self, mel: NDArray[np.float16]) -> torch.Tensor:
        """Normalise and stack an utterance: (frames, 80) -> (frames / 6, 560)."""
        return stack_frames(torch.from_numpy(self.scaled(mel)))


def measure(corpus: Corpus) -> Normaliser:
    """Measure the normaliser on the training features."""
    rows = [f[0] for u, f in zip(corpus.utterances, corpus.features, strict=True) if u.split == "train"]
    sample = np.concatenate(rows[::8]).astype(np.float64)
    return Normaliser(mean=sample.mean(axis=0), std=sample.std(axis=0))


def label(utterance: Utterance, vocabulary: sentencepiece.SentencePieceProcessor, *, with_itn: bool) -> torch.Tensor:
    """Return the label ids of `utterance` in one of the two text norms."""
    return torch.tensor(
        label_ids(
            vocabulary,
            language=utterance.language,
            emotion=utterance.emotion,
            event=utterance.event,
            norm="withitn" if with_itn else "woitn",
            text=utterance.text if with_itn else strip_punctuation(utterance.text),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Padded features and labels of some utterances."""

    speech: torch.Tensor
    lengths: torch.Tensor
    text: list[torch.Tensor]


def assemble(
    corpus: Corpus,
    normaliser: Normaliser,
    vocabulary: sentencepiece.SentencePieceProcessor,
    indices: list[int],
    rng: np.random.Generator,
) -> Batch:
    """Draw a copy and a text norm for each of `indices`, mask, and pad."""
    copies = [corpus.features[i][int(rng.integers(len(corpus.features[i])))] for i in indices]
    varied = [
        torch.from_numpy(vary_voice(normaliser.scaled(echo(copy.astype(np.float32), rng)), rng)) for copy in copies
    ]
    speech, lengths = pad([mask(stack_frames(mel), rng) for mel in varied], 0.0)
    text = [label(corpus.utterances[i], vocabulary, with_itn=bool(rng.random() < 0.5)) for i in indices]
    return Batch(speech=speech, lengths=lengths, text=text)


def prefetch(make: Callable[[NDArray[np.int64]], Batch], groups: list[NDArray[np.int64]]) -> Iterator[Batch]:
    """Yield `make(group)` for each group, making the next in another thread meanwhile."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending = pool.submit(make, groups[0])
        for group in groups[1:]:
            ready, pending = pending, pool.submit(make, group)
            yield ready.result()
        yield pending.result()


def batches(lengths: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return batches of similar length, in random order."""
    order = np.argsort(lengths * rng.uniform(0.9, 1.1, len(lengths)))
    groups = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    return [groups[i] for i in rng.permutation(len(groups))]


def learning_rate(step: int, progress: float, *, peak: float, warm_up_steps: int) -> float:
    """Warm up linearly, then fall as a cosine of `progress` (0 to 1) to zero."""
    return peak * min(1.0, (step + 1) / warm_up_steps) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def loss_of(
    model: SenseVoiceSmall, speech: torch.Tensor, lengths: torch.Tensor, text: list[torch.Tensor]
) -> torch.Tensor:
    """Return the CTC loss per character plus the weighted cross entropy of the four tags."""
    labels, label_lengths = pad(text, -1)
    labels, label_lengths = labels.to(speech.device), label_lengths.to(speech.device)
    with torch.autocast(speech.device.type, torch.bfloat16):
        output, output_lengths = model.encode(speech, lengths, labels)
    output = output.float()
    ctc, _ = model._calc_ctc_loss(output[:, 4:], output_lengths - 4, labels[:, 4:].clamp(min=0), label_lengths - 4)
    tags, _ = model._calc_rich_ce_loss(output[:, :4], labels[:, :4])
    characters = (label_lengths - 4).clamp(min=1).float().mean()
    return torch.as_tensor(ctc / characters + TAG_WEIGHT * tags)


def score_split(
    model: SenseVoiceSmall,
    vocabulary: sentencepiece.SentencePieceProcessor,
    corpus: Corpus,
    normaliser: Normaliser,
    split: str,
) -> dict[str, object]:
    """Score a split of the corpus."""
    chosen = [i for i, u in enumerate(corpus.utterances) if u.split == split]
    recognitions = transcribe(model, vocabulary, [normaliser.stacked(corpus.features[i][0]) for i in chosen])
    truths = [
        Truth(text=u.text, language=u.language, emotion=u.emotion, event=u.event)
        for u in (corpus.utterances[i] for i in chosen)
    ]
    return summarise(list(zip(truths, recognitions, strict=True)))


def train(
    out: Path,
    work: Path,
    *,
    epochs: int,
    seed: int,
    scale: float,
    device: str,
    peak: float = PEAK_RATE,
    minutes: float = math.inf,
    resume: Path | None = None,
) -> None:
    """Build the corpus, train, and write the model directory after every epoch.

    Training ends after `epochs`, or after `minutes` of training if that comes first; the learning rate follows
    whichever is further on.
    """
    torch.manual_seed(seed)
    leg, warm_up = (0, WARM_UP_STEPS) if resume is None else (1, RESUMED_WARM_UP_STEPS)
    rng, coin = np.random.default_rng([seed, leg]), np.random.default_rng([seed, leg, 1])
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    corpus = build_corpus(work, scale=scale)
    vocabulary = train_tokenizer(out / TOKENIZER_FILE)
    normaliser = measure(corpus)
    write_cmvn(out / "am.mvn", normaliser.mean, normaliser.std)
    write_configuration(out)
    chosen = [i for i, u in enumerate(corpus.utterances) if u.split == "train"]
    log.info("%d utterances, %d pieces, ready after %.0f s", len(chosen), len(vocabulary), time.monotonic() - started)
    model = new_model(vocabulary).to(device)
    if resume is not None:
        model.load_state_dict(torch.load(resume / "model.pt", map_location=device, weights_only=True))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # costs a third of a CPU step; at this few epochs noise and masks are enough
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.01)
    lengths = np.array([len(corpus.features[i][0]) for i in chosen])
    steps = epochs * -(-len(chosen) // BATCH)
    step = 0
    training_since = time.monotonic()
    progress = 0.0
    for epoch in range(1, epochs + 1):
        model.train()
        losses: list[float] = []
        for batch in prefetch(
            lambda group: assemble(corpus, normaliser, vocabulary, [chosen[int(i)] for i in group], rng),
            batches(lengths, rng),
        ):
            progress = max(step / steps, (time.monotonic() - training_since) / 60 / minutes)
            if progress >= 1:
                break
            model.lid_int_dict = language_rows(model, vocabulary, tell=bool(coin.random() < TOLD_SHARE))
            for group_options in optimiser.param_groups:
                group_options["lr"] = learning_rate(step, progress, peak=peak, warm_up_steps=warm_up)
            loss = loss_of(model, batch.speech.to(device), batch.lengths.to(device), batch.text)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            losses.append(float(loss))
            step += 1
            if step % 100 == 0:
                log.info(
                    "step %d/%d loss %.3f, %.0f s", step, steps, np.mean(losses[-100:]), time.monotonic() - started
                )
        write_weights(model, out)
        dev = score_split(model, vocabulary, corpus, normaliser, "dev")
        log.info("epoch %d loss %.3f dev %s, %.0f s", epoch, np.mean(losses), dev, time.monotonic() - started)
        if progress >= 1:
            break
    record(RESULTS, out, corpus.utterances, epochs=epoch, minutes=(time.monotonic() - training_since) / 60)


def record(path: Path, model: Path, planned: list[Utterance], *, epochs: int, minutes: float) -> None:
    """Write what was trained, on what and for how long."""
    spoken = [u for u in planned if u.split == "train"]
    facts = {
        "command": "python -m training.train",
        "machine": describe_machine(),
        "model_sha256": sha256(model / "model.pt"),
        "note": "",
        "epochs": epochs,
        "minutes": round(minutes, 1),
        "utterances": len(spoken),
        "distinct_texts": len({u.text for u in spoken}),
        "copies": TRAINING_COPIES,
        "voices": len({u.voice for u in spoken if u.voice}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="model directory to write")
    parser.add_argument("--work", type=Path, default=Path("training/work"), help="where features are kept")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end training after this long")
    parser.add_argument("--peak", type=float, default=PEAK_RATE, help="highest learning rate")
    parser.add_argument("--resume", type=Path, help="model directory to go on from")
    parser.add_argument("--seed", type=int, default=1, help="of weights and order; the corpus has its own")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the training utterances, for a trial")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(
        options.out,
        options.work,
        epochs=options.epochs,
        seed=options.seed,
        scale=options.scale,
        device=options.device,
        peak=options.peak,
        minutes=options.minutes,
        resume=options.resume,
    )


if __name__ == "__main__":
    main()
