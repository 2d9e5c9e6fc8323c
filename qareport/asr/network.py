"""Build SenseVoice's network with funasr, and check that the weights are this network's own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from qareport.asr.fbank import check_front_end
from qareport.asr.model_files import ModelFiles
from qareport.asr.suppress_output import suppress_output
from qareport.errors import ModelError
from qareport.messages import Message, say


def load_network(files: ModelFiles, device: str) -> tuple[Any, Any, Any]:
    """Build model, front end and tokenizer with funasr; restore the global state that it changes."""
    threads = torch.get_num_threads()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # funasr seeds them
    try:
        with suppress_output():
            from funasr import AutoModel

            model, parts = AutoModel.build_model(
                model=str(files.directory),
                device=device,
                disable_update=True,
                ncpu=threads,
                frontend_conf={"dither": 0.0},
            )
    except ImportError as error:
        raise ModelError(
            say("funasr cannot be imported ({error})", error=error), to_do=say("pip install 'qareport[engine]'")
        ) from error
    except Exception as error:  # funasr and torch raise anything on bad files
        raise ModelError(say("cannot be loaded ({error!r})", error=error), where=str(files.directory)) from error
    finally:
        torch.set_num_threads(threads)
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
    frontend = parts["frontend"]
    frontend.dither = 0.0  # with dither, features differ from run to run
    return model.eval(), frontend, parts["tokenizer"]


def check_fit(files: ModelFiles, model: Any, tokenizer: Any, frontend: Any) -> None:
    """Compare weights, network and vocabulary; funasr leaves weights that do not fit at random values and continues."""
    stored = _stored_shapes(files)
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


def _stored_shapes(files: ModelFiles) -> dict[str, tuple[int, ...]]:
    """Read names and shapes of the stored weights, as funasr would unwrap them, without reading the numbers."""
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
        str(name).removeprefix("module."): tuple(value.shape)
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }
