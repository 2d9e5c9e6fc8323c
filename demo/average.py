"""Average the weights of models from one training: `python -m demo.average A B --out C`."""

import argparse
import shutil
from pathlib import Path

import torch


def average(folders: list[Path], out: Path) -> None:
    """Write the mean of the weights in `folders` to `out`; everything else is copied from the last one.

    The models must be steps of one training: weights of unrelated models have no meaningful mean.
    """
    states = [torch.load(folder / "model.pt", map_location="cpu", weights_only=True) for folder in folders]
    mean = {name: torch.stack([state[name].float() for state in states]).mean(dim=0).half() for name in states[0]}
    if out.resolve() != folders[-1].resolve():
        shutil.copytree(folders[-1], out, dirs_exist_ok=True)
    torch.save(mean, out / "model.pt")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    average(options.models, options.out)


if __name__ == "__main__":
    main()
