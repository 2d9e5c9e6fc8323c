"""Linear layers whose weights are laid out for the processor once, instead of at each call.

PyTorch multiplies fp32 matrices with MKL, which is slower on processors that are not Intel's: a 512 x 2048 layer over
2,000 frames ran at 100 GFLOP/s on an AMD core with AVX-512. oneDNN, which PyTorch includes as well, reached 237 GFLOP/s
with weights in its own layout, and results that differ by 1e-6 of their size. Tests hold the texts to be the same.
"""

from __future__ import annotations

from typing import Any

import torch


class PackedLinear(torch.nn.Module):
    """`torch.nn.Linear` in fp32 on the CPU, for inference."""

    def __init__(self, layer: torch.nn.Linear) -> None:
        super().__init__()
        self.in_features = layer.in_features
        self.out_features = layer.out_features
        self._weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach())
        self._bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map float32 [..., in_features] to [..., out_features]."""
        result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(values, self._weight, self._bias, "none", [], "")
        return result


def pack(module: torch.nn.Module) -> None:
    """Replace every linear layer inside a module, where this build of PyTorch can."""
    if not _possible():
        return
    for name, child in list(module.named_children()):
        if type(child) is torch.nn.Linear and child.weight.dtype is torch.float32:
            setattr(module, name, PackedLinear(child))
        else:
            pack(child)


def _possible() -> bool:
    operators: Any = torch.ops.mkldnn
    backend: Any = torch.backends.mkldnn
    return bool(backend.is_available()) and all(
        hasattr(operators, name) for name in ("_reorder_linear_weight", "_linear_pointwise")
    )
