"""Build SenseVoice's network with funasr, and check that the weights are this network's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import yaml

from qareport.asr.fbank import check_front_end
from qareport.asr.funasr_modules import import_funasr
from qareport.asr.model_files import ModelFiles
from qareport.asr.suppress_output import suppress_output
from qareport.errors import ModelError
from qareport.messages import Message, say

#: Where funasr has the parts that configurations of SenseVoiceSmall name.
_MODULES = (
    "models.sense_voice.model",
    "models.specaug.specaug",
    "frontends.wav_frontend",
    "tokenizer.sentencepiece_tokenizer",
)


def load_network(files: ModelFiles, device: str) -> tuple[Any, Any, Any]:
    """Build model, front end and tokenizer of funasr's own classes, as its `AutoModel` does; load the weights."""
    sense_voice, _, wav_frontend, sentencepiece_tokenizer = import_funasr(*_MODULES)
    state = torch.get_rng_state()  # a new network draws random weights
    try:
        with suppress_output():
            config = yaml.safe_load(files.config.read_text(encoding="utf-8"))
            tokenizer = sentencepiece_tokenizer.SentencepiecesTokenizer(bpemodel=str(files.tokenizer))
            # With dither, features would differ from run to run.
            frontend_conf = {**config["frontend_conf"], "cmvn_file": str(files.cmvn), "dither": 0.0}
            frontend = wav_frontend.WavFrontend(**frontend_conf)
            model = sense_voice.SenseVoiceSmall(
                **{**config.pop("model_conf", {}), **config},
                input_size=frontend.output_size(),
                vocab_size=tokenizer.sp.GetPieceSize(),
            )
            _load_weights(model, files)
            model.to(device)
    except ModelError:
        raise
    except Exception as error:  # funasr and torch raise anything on bad files
        raise ModelError(say("cannot be loaded ({error!r})", error=error), where=str(files.directory)) from error
    finally:
        torch.set_rng_state(state)
    return model.eval(), frontend, tokenizer


def _load_weights(model: Any, files: ModelFiles) -> None:
    """Load the weights that fit, as funasr does; `check_fit` names those that do not."""
    wanted = model.state_dict()
    stored = _stored(files)
    fitting = {name: value for name, value in stored.items() if name in wanted and value.shape == wanted[name].shape}
    model.load_state_dict(fitting, strict=False)


def check_fit(files: ModelFiles, model: Any, tokenizer: Any, frontend: Any) -> None:
    """Compare weights, network and vocabulary; funasr leaves weights that do not fit at random values and continues."""
    stored = {name: tuple(value.shape) for name, value in _stored(files).items()}
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    missing = sorted(wanted.keys() - stored.keys())
    used = ("encoder.", "ctc.", "embed.")
    unexpected = sorted(name for name in stored.keys() - wanted.keys() if name.startswith(used))
    shapes = sorted(name for name in wanted.keys() & stored.keys() if wanted[name] != stored[name])
    for fault, names in (
        (say("does not fit {config}: lacks {names}"), missing),
        (say("does not fit {config}: has besides {names}"), unexpected),
        (say("does not fit {config}: has in another shape {names}"), shapes),
    ):
        if names:
            listed = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
            raise ModelError(
                Message(fault.template, (("config", files.config.name), ("names", listed))),
                where=str(files.weights),
                expected=say("the weights of this very network"),
                to_do=say("copy or fetch the model again"),
            )
    outputs, pieces = model.ctc.ctc_lo.out_features, tokenizer.GetPieceSize()
    if outputs != pieces:
        unequal = say("has {pieces} pieces, the model {outputs} outputs", pieces=pieces, outputs=outputs)
        raise ModelError(unequal, where=str(files.tokenizer), expected=say("equal numbers"))
    if frontend.cmvn is None:
        raise ModelError(say("was not taken up by the front end"), where=str(files.cmvn))
    check_front_end(vars(frontend), str(files.config))


def _stored(files: ModelFiles) -> dict[str, torch.Tensor]:
    """Map the stored weights into memory, by name, as funasr would unwrap them; numbers are read when they are used."""
    try:
        state: Any = torch.load(files.weights, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch raises pickle, zip and runtime errors alike
        raise ModelError(say("cannot be read ({error!r})", error=error), where=str(files.weights)) from error
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping):
        raise ModelError(say("holds no weights"), where=str(files.weights))
    return {
        str(name).removeprefix("module."): value for name, value in state.items() if isinstance(value, torch.Tensor)
    }
