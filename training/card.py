"""Write the model card from measured results: `python -m training.card`."""

import argparse
import json
from pathlib import Path
from typing import Any

from training.voices import EMOTION_REGIONS, EMOTIONS, TRAINING_VOICES

RESULTS = Path(__file__).parent / "results"

CARD = """\
# The bundled small model of qareport

A SenseVoiceSmall of {parameters:,} parameters (funasr's own class, 160 wide, 8 + 2 layers, half precision on disk) that was
trained from scratch so that qareport can be tried and tested without a network.

**It understands only synthetic telephone speech of espeak-ng voices about customer service. It does not understand
people. For real calls use `iic/SenseVoiceSmall`.**

| | |
| --- | --- |
| languages | Mandarin (zh), English (en), Cantonese (yue); the tags for ja and ko exist and were never trained |
| emotions | NEUTRAL, HAPPY, ANGRY, SAD; EMO_UNKNOWN where nobody speaks; the other tags exist and were never trained |
| events | Speech, Laughter, Cough, BGM, Event_UNK (line noise alone); the other tags exist and were never trained |
| text norm | `withitn` writes punctuation, `woitn` does not; digits stay Chinese characters, English is lower case in both |
| input | 16 kHz, 80 log-mel bands, no dither, telephone band; segments of 0.5 to about 10 s |
| size | `model.pt` {megabytes:.1f} MB, SHA-256 `{sha256}` |
| licence | MIT, for weights trained here from scratch. espeak-ng is GPL; what it says is not. |

## Use

    from funasr import AutoModel
    model = AutoModel(model="qareport/bundled/model", vad_model="silero-vad", disable_update=True)
    model.generate(input=samples, language="auto", use_itn=True)

## Training

`python -m training.train --out qareport/bundled/model` ({training}). {utterances:,} utterances with
{texts:,} distinct texts from sentence templates, {voices} voice variants; each was passed through the line
{copies} times with other noise, gain and codec.{note} espeak-ng has no emotions: here an emotion is a region of pitch, rate,
pitch range, level and spectral tilt, the same for every voice, and the model knows nothing else of emotion:

| emotion | pitch (-p) | rate (-s) | pitch range, % | level, dB | spectral tilt, dB per octave |
| --- | --- | --- | --- | --- | --- |
{regions}
ANGRY is also softly clipped, as a tense voice is. A text says nothing about its emotion: texts and emotions were drawn
independently. Laughter, coughs and music are synthetic too. A text is heard as `Laughter` when bursts of laughter stand before,
in or after it; spoken 呵呵 or 哈哈 always comes with them. Line noise is -60 to -30 dBFS; speech is band-limited to
300-3400 Hz, G.711 mu-law or Opus coded in about two of three cases.

## What it was measured to do

`{command}` on {machine}. Neither the exact texts nor the voices ({held_out}) occur in training.

| set | utterances | CER, % | language, % | emotion, % | event, % |
| --- | --- | --- | --- | --- | --- |
{sets}
`templates` is the harder set: there, whole sentence patterns are new, not only their combination with words and neighbours.
CER counts characters, without punctuation and spaces (`woitn`); an English word is one symbol of the model.

| on `sentences` | {classes} |
| --- |{rule}
| CER, % | {class_cer} |
| emotion right, % | {class_emotion} |

| emotion on `sentences` | {emotion_names} |
| --- |{emotion_rule}
| right, % | {emotion_values} |

| event on `events` | {event_names} |
| --- |{event_rule}
| right, % | {event_values} |

`AutoModel.generate` one by one gave the same text and tags as batches in {same} of {of} utterances.

On the bundled calls (`python -m training.check_calls`, segments from silero-vad): {calls_segments} segments, CER {calls_cer} %, language
{calls_language} %, emotion {calls_emotion} %, events {calls_event} %; {exact} % of the turns occur word for word in training,
{held_calls} of {calls} calls have a voice that training never heard.
"""  # noqa: E501 - a table row is one line


def _row(cells: list[object]) -> str:
    return " | ".join("-" if cell is None else str(cell) for cell in cells)


def _rule(count: int) -> str:
    return " --- |" * count


def _regions() -> str:
    rows = []
    for name in EMOTIONS:
        region = EMOTION_REGIONS[name]
        spans = [f"{region[key][0]:g} to {region[key][1]:g}" for key in ("pitch", "rate", "range", "level", "tilt")]
        rows.append(f"| {name} | {_row(list(spans))} |\n")
    return "".join(rows)


def write_card(model: Path) -> None:
    """Write `README.md` into the model directory; every number comes from `training/results`."""
    evaluation: dict[str, Any] = json.loads((RESULTS / "evaluation.json").read_text(encoding="utf-8"))
    calls: dict[str, Any] = json.loads((RESULTS / "calls.json").read_text(encoding="utf-8"))
    training: dict[str, Any] = json.loads((RESULTS / "training.json").read_text(encoding="utf-8"))
    digests = {evaluation["model_sha256"], calls["model_sha256"], training["model_sha256"]}
    if len(digests) != 1:
        raise ValueError(
            f"training/results: results of {len(digests)} different models; run evaluate and check_calls again"
        )
    sets = {name.removeprefix("test_"): figures for name, figures in evaluation["sets"].items()}
    keys = ("utterances", "cer_percent", "language_percent", "emotion_percent", "event_percent")
    rows = [f"| {name} | {_row([figures['woitn'][key] for key in keys])} |\n" for name, figures in sets.items()]
    main = sets["sentences"]["woitn"]
    classes = list(main["cer_by_language"])
    emotions, events = main["emotion_by_emotion"], sets["events"]["woitn"]["event_by_event"]
    machine = evaluation["machine"]
    text = CARD.format(
        parameters=evaluation["parameters"],
        megabytes=(model / "model.pt").stat().st_size / 1e6,
        sha256=evaluation["model_sha256"],
        training=(
            f"{training['epochs']} epochs, {training['minutes']} minutes on {training['machine']['cores']} CPU cores"
        ),
        note=f" {training['note']}" if training["note"] else "",
        utterances=training["utterances"],
        texts=training["distinct_texts"],
        voices=len(TRAINING_VOICES),
        copies=training["copies"],
        regions=_regions(),
        command=evaluation["command"],
        machine=f"{machine['cores']} cores of {machine['cpu']}, torch {machine['torch']}",
        held_out=", ".join(evaluation["held_out_voices"]),
        sets="".join(rows),
        classes=_row(list(classes)),
        rule=_rule(len(classes)),
        class_cer=_row([main["cer_by_language"][c] for c in classes]),
        class_emotion=_row([main["emotion_by_language"][c] for c in classes]),
        emotion_names=_row(list(emotions)),
        emotion_rule=_rule(len(emotions)),
        emotion_values=_row(list(emotions.values())),
        event_names=_row(list(events)),
        event_rule=_rule(len(events)),
        event_values=_row(list(events.values())),
        same=evaluation["generate_agrees"]["same"],
        of=evaluation["generate_agrees"]["of"],
        calls_segments=calls["all"]["segments"],
        calls_cer=calls["all"]["cer_percent"],
        calls_language=calls["all"]["language_percent"],
        calls_emotion=calls["all"]["emotion_percent"],
        calls_event=calls["all"]["event_percent"],
        exact=calls["training"]["turns_whose_exact_text_is_in_training_percent"],
        held_calls=calls["training"]["calls_with_a_held_out_voice"],
        calls=calls["training"]["calls"],
    )
    (model / "README.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("qareport/bundled/model"))
    write_card(parser.parse_args().model)


if __name__ == "__main__":
    main()
