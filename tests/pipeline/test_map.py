"""Maps: points that stand for latents."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError
from ghostnote.pipeline.map import LAYOUTS, make_map, map_prior, nearest, trustworthiness


def clusters(n: int = 300) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = 4 * random.standard_normal((10, 20))
    return centres[np.arange(n) % 10] + random.standard_normal((n, 20))


def test_a_plane_is_mapped_as_it_is() -> None:
    random = np.random.default_rng(1)
    plane = random.standard_normal((50, 2)) @ random.standard_normal((2, 8)) + 3
    made = make_map(plane)
    assert sum(made.explained) == pytest.approx(1)
    assert made.explained[0] >= made.explained[1]
    assert made.trust == pytest.approx(1)
    np.testing.assert_allclose(made.z(made.points), plane, atol=1e-5)


def test_a_map_does_not_depend_on_signs_or_order() -> None:
    z = clusters(60)
    made, turned = make_map(z), make_map(z[::-1])
    np.testing.assert_allclose(made.points, turned.points[::-1], atol=1e-9)


def test_neighbours_are_kept_better_and_the_same_by_seed() -> None:
    z = clusters(120)
    made = {layout: make_map(z, layout=layout, seed=1) for layout in LAYOUTS}
    assert made["neighbours"].trust > made["pca"].trust + 0.02
    assert np.array_equal(
        made["neighbours"].points, make_map(z, layout="neighbours", seed=1).points
    )
    assert not np.array_equal(
        made["neighbours"].points, make_map(z, layout="neighbours", seed=2).points
    )
    with pytest.raises(ConfigError, match="no latents"):
        made["neighbours"].z([[0, 0]])


def test_trust_is_one_at_best_and_half_by_chance() -> None:
    random = np.random.default_rng(3)
    z = random.standard_normal((400, 2))
    assert trustworthiness(z, z) == 1
    assert trustworthiness(z, random.standard_normal((400, 2))) == pytest.approx(0.5, abs=0.05)


def test_the_nearest_are_nearest() -> None:
    z = clusters(80)
    apart = ((z[:, None] - z) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    assert np.array_equal(nearest(z, 5), apart.argsort(1)[:, :5])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_points_and_few_points_make_a_map(layout: str) -> None:
    assert np.isfinite(make_map(np.ones((5, 4)), layout=layout).points).all()
    assert np.isfinite(make_map(clusters(3), layout=layout).points).all()


def test_the_prior_is_mapped_with_its_components(tiny_bundle: Bundle) -> None:
    made = map_prior(40, model=tiny_bundle, seed=2)
    assert len(made) == len(made.styles) == len(made.labels) == 40
    assert set(made.styles) == {"component 1"}
    assert np.array_equal(map_prior(40, model=tiny_bundle, seed=2).points, made.points)


def test_what_is_refused(tiny_bundle: Bundle) -> None:
    for wrong in ({"z": np.zeros((2, 4))}, {"layout": "umap"}, {"labels": ["one"]}):
        with pytest.raises(ConfigError):
            make_map(**{"z": clusters(9), **wrong})
    with pytest.raises(ConfigError, match="2 points"):
        map_prior(2, model=tiny_bundle)


def test_a_map_shows_itself_in_a_notebook() -> None:
    z = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
    made = make_map(z, styles=["<rock>", "jazz"] * 6, labels=[f"{i}&.mid" for i in range(12)])
    page = made._repr_html_()
    ElementTree.fromstring(page)  # well-formed, and what is named in it is escaped
    assert "12 grooves by pca" in page
    assert 'role="img"' in page
    assert "<rock>" not in page
    assert "&lt;rock&gt;" in page
