"""Segments that end early, and end tokens, against numbers of the original.

They are those of a HierarchicalLstmEncoder and a HierarchicalLstmDecoder with a
CategoricalLstmDecoder, of three segments of four steps, in its three modes. Weights and inputs come
from formulas. The original runs a segment to the end of the longest in its batch.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ghostnote.interop.configs import expected_shapes
from ghostnote.interop.variables import to_state
from ghostnote.model.config import (
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    ModelConfig,
    SymbolsConfig,
)
from ghostnote.model.vae import GrooveVAE, shift

LENGTHS = torch.tensor([[2, 0, 1], [3, 0, 2], [1, 0, 3]])
SYMBOLS, STEPS, END = 5, 12, 4
MEAN = [[-1.6335071, 0.9072672], [-1.7634635, 0.9037443], [-1.6751606, 0.9565969]]
NATS = {
    "none": [4.868387, 9.5263405, 7.778507],
    "state": [4.9691625, 10.077626, 7.6648073],
    "outputs": [4.9848957, 10.074707, 7.7297215],
}
STATE = {
    "none": [
        [-2.732768, 0.45398, -0.295337, 0.1540406],
        [-3.0626214, 0.7713932, -0.4920646, 0.4446472],
        [-3.0243266, 0.5690203, -0.6273866, 0.0900128],
    ],
    "state": [
        [-2.2816093, 0.7623385, -0.2399528, 0.2872824],
        [-2.605497, 1.2765635, -0.4423367, 0.6455548],
        [-2.6482477, 0.8103527, -0.5738029, 0.1533353],
    ],
    "outputs": [
        [-2.16025, 0.7601354, -0.2493745, 0.2732524],
        [-2.4475863, 1.3058027, -0.4572385, 0.6394238],
        [-2.5878687, 0.8076228, -0.5888737, 0.1415811],
    ],
}
DRAWN = {
    "none": ["000041110000", "400041110000", "000041110000"],
    "state": ["000041110000", "400041110000", "400041110000"],
    "outputs": ["000041110000", "400041110000", "400041110000"],
}
"""Symbols; the second segment ends after one step, and the 1s stand for the zeros after it."""
DRAWN_STATE = {
    "none": [
        [-3.4174852, 0.8421973, -0.4442708, 0.5164491],
        [-3.5513163, 0.5087219, -0.4894188, 0.3268925],
        [-3.4980946, 0.7021188, -0.4601007, 0.4442835],
    ],
    "state": [
        [-2.5326533, 1.6665213, -0.4014003, 0.7500511],
        [-3.6220596, 0.6682904, -0.4372029, 0.4524146],
        [-4.002073, 0.068083, -0.4936599, 0.050903],
    ],
    "outputs": [
        [-2.4893222, 1.6155275, -0.4179094, 0.7206017],
        [-3.671403, 0.3442096, -0.5030266, 0.2284629],
        [-3.6474433, 0.0100249, -0.5606828, 0.0061491],
    ],
}


@pytest.fixture(params=["none", "state", "outputs"])
def memory(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def model(memory: str) -> GrooveVAE:
    config = ModelConfig(
        bars=STEPS,
        meter="1/16",
        latent=2,
        encoder=HierarchicalEncoderConfig(size=2, segment=4),
        decoder=HierarchicalConfig(size=2, layers=1, conductor=2, segment=4, memory=memory),  # type: ignore[arg-type]
        head=SymbolsConfig(alphabets=str(SYMBOLS)),
    )
    variables = {
        name: 1.5
        * torch.sin(1.7 * torch.arange(math.prod(shape)).double() ** 1.5 + index)
        .float()
        .view(shape)
        for index, (name, shape) in enumerate(sorted(expected_shapes(config).items()))
    }
    model = GrooveVAE(config).eval()
    model.load_state_dict(to_state(config, variables))
    return model


@pytest.fixture
def x() -> Tensor:
    """`[3, 12, 5]`; zeros where a segment has ended."""
    x = torch.zeros(3, STEPS, SYMBOLS)
    for row, lengths in enumerate(LENGTHS.tolist()):
        for segment, length in enumerate(lengths):
            for step in range(length):
                x[row, 4 * segment + step, (row + 2 * segment + 3 * step) % 4] = 1
    return x


@torch.no_grad()
def test_segments_that_end_early(model: GrooveVAE, memory: str, x: Tensor) -> None:
    z = model.encode(x, lengths=LENGTHS).mean
    torch.testing.assert_close(z, torch.tensor(MEAN), rtol=1e-5, atol=0)
    params, state = model.decoder.follow(z, shift(x), lengths=LENGTHS)
    torch.testing.assert_close(state.flat(), torch.tensor(STATE[memory]), rtol=1e-5, atol=1e-6)
    inside = (torch.arange(4) < LENGTHS[..., None]).flatten(1)
    nats = -(model.decoder.head(params).parts(x).total() * inside).sum(-1)
    torch.testing.assert_close(nats, torch.tensor(NATS[memory]), rtol=1e-5, atol=0)
    reached = params.any(-1).any(0).view(3, 4).sum(-1)
    assert reached.tolist() == LENGTHS.amax(0).tolist()


@torch.no_grad()
def test_end_tokens(model: GrooveVAE, memory: str) -> None:
    z = torch.tensor([[1, -2], [-1, 1.5], [2, 0.5]])
    drawn = model.decoder.unroll(z, torch.full((3, STEPS, 1, 3), 0.5), 0.0, end=END)
    symbols = torch.tensor([[int(symbol) for symbol in row] for row in DRAWN[memory]])
    wanted = torch.nn.functional.one_hot(symbols, SYMBOLS).float()
    wanted[:, 5:8] = 0
    assert torch.equal(drawn.outputs, wanted)
    assert drawn.lengths.tolist() == [[1 if row[0] == "4" else 4, 1, 4] for row in DRAWN[memory]]
    torch.testing.assert_close(
        drawn.state.flat(), torch.tensor(DRAWN_STATE[memory]), rtol=1e-5, atol=1e-6
    )
    assert not drawn.params[:, 5:8].any()
