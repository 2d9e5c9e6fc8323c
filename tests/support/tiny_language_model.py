"""A language model with random weights that writes JSON by schema: what it says is nonsense of the right form.

It works as the servers of large models do (guided decoding): at each step the bytes that the schema allows are weighed
by the model, and one of them is taken. A schema with a keyword that it does not know is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_KNOWN = {
    "object": {"type", "properties", "required", "additionalProperties", "$defs"},
    "array": {"type", "items", "maxItems"},
    "string": {"type", "enum"},
}
_SIZE = 32


class TinyLanguageModel:
    """A recurrent network over bytes; the same seed gives the same model."""

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._bytes = torch.randn(256, _SIZE, generator=generator)
        self._cell = torch.nn.GRU(_SIZE, _SIZE)
        self._out = torch.nn.Linear(_SIZE, 256)
        for weights in (*self._cell.parameters(), *self._out.parameters()):
            torch.nn.init.normal_(weights, std=0.5, generator=generator)

    @torch.inference_mode()
    def write(self, read: str, schema: Mapping[str, Any], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Read a text, and write JSON that follows a schema.

        Raises:
            ValueError: a schema that this model cannot follow.
        """
        return _Writing(self, read, schema, temperature, seed).value(schema)

    def step(self, data: bytes, state: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Read bytes; return the logits of the next byte, and the new state."""
        out, state = self._cell(self._bytes[list(data)], state)
        return self._out(out[-1]), state


class _Writing:
    def __init__(
        self, model: TinyLanguageModel, read: str, schema: Mapping[str, Any], temperature: float, seed: int
    ) -> None:
        self._model = model
        self._definitions = schema.get("$defs", {})
        self._temperature = temperature
        self._generator = torch.Generator().manual_seed(seed)
        self._logits, self._state = model.step(read.encode() or b"\n", None)

    def value(self, schema: Mapping[str, Any]) -> str:
        if "$ref" in schema:
            return self.value(self._definitions[schema["$ref"].removeprefix("#/$defs/")])
        kind = schema.get("type", "")
        if not schema.keys() <= _KNOWN.get(kind, set()):
            raise ValueError(f"cannot follow {json.dumps(schema)[:200]}")
        if kind == "object":
            return self._object(schema)
        return self._array(schema) if kind == "array" else self._pick([json.dumps(text) for text in schema["enum"]])

    def _object(self, schema: Mapping[str, Any]) -> str:
        if list(schema["properties"]) != schema["required"] or schema["additionalProperties"] is not False:
            raise ValueError("an object must require all of its properties, and allow no other")
        written = [
            self._pick([f"{', ' if number else '{'}{json.dumps(name)}: "]) + self.value(inner)
            for number, (name, inner) in enumerate(schema["properties"].items())
        ]
        return "".join([*written, self._pick(["}" if written else "{}"])])

    def _array(self, schema: Mapping[str, Any]) -> str:
        items = [json.dumps(text, ensure_ascii=False) for text in schema["items"]["enum"]]
        text = self._pick(["["])
        for number in range(schema["maxItems"]):
            text += self._pick(["]", *(f"{', ' if number else ''}{item}" for item in items)])
            if text.endswith("]"):
                return text
        return text + self._pick(["]"])

    def _pick(self, options: Sequence[str]) -> str:
        """Write one of several texts, none of which begins another, byte by byte."""
        left, at = [option.encode() for option in options], 0
        while len(left) > 1:
            allowed = sorted({option[at] for option in left})
            byte = allowed[self._sample(self._logits[allowed])]
            left, at = [option for option in left if option[at] == byte], at + 1
            self._logits, self._state = self._model.step(bytes([byte]), self._state)
        if rest := left[0][at:]:
            self._logits, self._state = self._model.step(rest, self._state)
        return left[0].decode()

    def _sample(self, logits: torch.Tensor) -> int:
        if self._temperature == 0:
            return int(logits.argmax())
        weights = torch.softmax(logits / self._temperature, dim=-1)
        return int(torch.multinomial(weights, 1, generator=self._generator))


def count_tokens(text: str) -> int:
    """Count a text as servers do: a token of a large model is about four bytes."""
    return math.ceil(len(text.encode()) / 4)
