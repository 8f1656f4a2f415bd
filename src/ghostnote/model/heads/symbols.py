"""A head for symbols: melodies, trios and performances as the original writes them.

`x` is one-hot vectors `[B, T, A]`, side by side where there are several alphabets.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ghostnote.model.heads.step import Head, Parts, StepDistribution, choose, keep_known, pieces


class Symbols(StepDistribution):
    """One symbol out of each alphabet, independent of each other.

    Args:
        logits: `[..., A]`, those of all alphabets side by side.
        alphabets: their sizes, `A` in sum.
    """

    def __init__(self, logits: Tensor, alphabets: Sequence[int]) -> None:
        self.logits, self.alphabets = pieces(logits.float(), alphabets), alphabets

    def parts(self, x: Tensor) -> Parts:
        """See `StepDistribution.parts`: one number an alphabet, as `hits`."""
        symbols = pieces(x.float(), self.alphabets)
        each = [
            (F.log_softmax(logits, -1) * symbol).sum(-1)
            for logits, symbol in zip(self.logits, symbols, strict=True)
        ]
        chosen = torch.stack(each, -1)
        return Parts(chosen, torch.zeros_like(chosen), torch.zeros_like(chosen))

    def draw(
        self,
        noise: Tensor,
        temperature: Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """See `StepDistribution.sample`; alphabet i takes the noise `[..., i, 0]`."""
        drawn = []
        for index, logits in enumerate(self.logits):
            chosen = choose(logits, noise[..., index, 0], temperature)
            symbol = F.one_hot(chosen, logits.shape[-1]).to(logits.dtype)
            if known is not None and mask is not None:
                given, kept = (pieces(side, self.alphabets)[index] for side in (known, mask))
                symbol = keep_known(symbol, given, kept)
            drawn.append(symbol)
        return torch.cat(drawn, -1)

    def point(self) -> Tensor:
        """The likeliest symbols."""
        one_hot = [F.one_hot(logits.argmax(-1), logits.shape[-1]) for logits in self.logits]
        return torch.cat(one_hot, -1).float()


class SymbolsHead(Head):
    """`Symbols`; encoder and decoder see `x` as it is."""

    def __init__(self, alphabets: Sequence[int]) -> None:
        super().__init__()
        self.alphabets = tuple(alphabets)
        self.cells = len(alphabets)
        self.width = self.observed = self.channels = self.n_params = sum(alphabets)

    def observe(self, x: Tensor) -> Tensor:
        """`x` itself."""
        return x

    def feedback(self, x: Tensor) -> Tensor:
        """`x` itself."""
        return x

    def forward(self, params: Tensor) -> Symbols:
        """See `Symbols`."""
        return Symbols(params, self.alphabets)
