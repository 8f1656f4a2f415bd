"""Maps: points that stand for latents."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from ghostnote.bundle import Bundle, load_bundle
from ghostnote.errors import ConfigError
from ghostnote.pipeline.map import (
    LAYOUTS,
    Map,
    make_map,
    map_prior,
    map_styles,
    nearest,
    place,
    styles_of,
    trustworthiness,
)
from ghostnote.pipeline.sampling import Source, draws, sample
from ghostnote.runtime import Runtime, fingerprints


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


def test_draws_of_the_prior_have_the_styles_of_the_training_data(shipped: Runtime) -> None:
    made = map_prior(200, model=shipped, seed=1)
    known = {str(part.value) for part in shipped.bundle.parts if part.kind == "style"}
    assert set(made.styles) <= known
    assert len(set(made.styles)) >= 5
    rock = made.styles.count("rock") / 200
    windows = {part.value: part.windows for part in shipped.bundle.parts if part.kind == "style"}
    assert abs(rock - windows["rock"] / sum(windows.values())) < 0.15


def test_the_prior_is_mapped(tiny_bundle: Bundle) -> None:
    made = map_prior(40, model=tiny_bundle, seed=2)
    assert len(made) == len(made.styles) == len(made.labels) == 40
    assert set(made.styles) == {"unknown"}, "the style of all takes that have none"
    nothing_known = Bundle(tiny_bundle.path, {**tiny_bundle.config, "parts": []})
    assert set(map_prior(40, model=nothing_known, seed=2).styles) == {"component 1"}
    assert np.array_equal(map_prior(40, model=tiny_bundle, seed=2).points, made.points)


def test_axes_can_be_laid_along_groups() -> None:
    """Two groups that differ by little along an axis of their own, where all differ by more."""
    random = np.random.default_rng(5)
    z = random.standard_normal((200, 8)) * (9, 9, 1, 1, 1, 1, 1, 1)
    z[::2, 5] += 3
    means = np.stack([z[::2].mean(0), z[1::2].mean(0), z.mean(0)])
    assert np.abs(make_map(z).axes[:, 5]).max() < 0.2
    made = make_map(z, along=means - means * (1, 1, 0, 0, 0, 0, 0, 0))
    assert np.abs(made.axes[0, 5]) > 0.9
    assert sum(made.explained) < sum(make_map(z).explained)
    np.testing.assert_allclose(made.axes @ made.axes.T, np.eye(2), atol=1e-9)


def test_a_latent_is_carried_to_a_place_and_changed_nowhere_else() -> None:
    made, z = make_map(clusters(60)), clusters(61)[60]
    there = made.carried(z, (1.5, -2)).astype(np.float64)
    np.testing.assert_allclose((there - made.centre) @ made.axes.T, (1.5, -2), atol=1e-5)
    moved = there - z
    np.testing.assert_allclose(moved, moved @ made.axes.T @ made.axes, atol=1e-5)
    here = (z - made.centre) @ made.axes.T
    np.testing.assert_allclose(made.carried(z, here), z, atol=1e-5)
    with pytest.raises(ConfigError, match="no latents"):
        make_map(clusters(60), layout="neighbours").carried(z, (0, 0))


@pytest.fixture(scope="module")
def shipped() -> Runtime:
    return Runtime(load_bundle())


@pytest.fixture(scope="module")
def plane(shipped: Runtime) -> Map:
    return map_styles(8, model=shipped)


def test_styles_are_mapped(shipped: Runtime, plane: Map) -> None:
    styles = styles_of(shipped.bundle)
    assert {"jazz", "rock", "latin"} <= set(styles)
    assert plane.styles == tuple(style for style in styles for _ in range(8))
    assert plane.labels[:2] == (f"{styles[0]} 0", f"{styles[0]} 1")
    assert np.array_equal(plane.points, map_styles(8, model=shipped).points)
    source = Source(shipped.bundle.prior_of(style=styles[0]))
    z, _ = draws(shipped.bundle, 0, range(8), source=source)
    np.testing.assert_allclose((z - plane.centre) @ plane.axes.T, plane.points[:8], atol=1e-5)


def test_a_model_without_styles_has_its_prior_on_the_map(tiny_bundle: Bundle) -> None:
    bundle = Bundle(tiny_bundle.path, {**tiny_bundle.config, "parts": []})
    made = map_styles(20, model=bundle)
    assert (len(made), made.styles) == (20, ())
    np.testing.assert_allclose(made.points, map_prior(20, model=bundle).points)


def test_where_a_draw_is_it_is_played(shipped: Runtime, plane: Map) -> None:
    z, _ = draws(shipped.bundle, 3, range(1))
    x, y = ((z[0] - plane.centre) @ plane.axes.T).tolist()
    (drawn,) = sample(seed=3, model=shipped)
    there = place(plane, x, y, seed=3, model=shipped)
    assert np.array_equal(there.hits, drawn.hits)
    np.testing.assert_allclose(there.velocity, drawn.velocity, atol=1e-4)


def test_near_places_are_alike_and_far_ones_are_not(shipped: Runtime, plane: Map) -> None:
    low, high = plane.points.min(0), plane.points.max(0)
    middle = (low + high) / 2

    def changed(by: float) -> int:
        total = 0
        for seed in range(8):
            here, there = (
                place(plane, *at, seed=seed, model=shipped)
                for at in (middle, middle + by * (high - middle))
            )
            total += int((here.hits != there.hits).sum())
        return total

    assert changed(0) == 0
    assert changed(0.02) < changed(0.3) < changed(1)
    assert changed(1) > 8 * 20


def test_a_place_has_its_tempo_and_its_musician(shipped: Runtime, plane: Map) -> None:
    assert place(plane, 0, 0, model=shipped).bpm == shipped.bundle.bpm
    assert place(plane, 0, 0, bpm=140.5, model=shipped).bpm == 140.5
    one, other = (place(plane, 0, 0, seed=seed, model=shipped) for seed in (1, 2))
    assert (one.hits != other.hits).sum() > 20
    calm, wild = (place(plane, 0, 0, temperature=heat, model=shipped) for heat in (0, 2))
    assert calm.n_hits < wild.n_hits


def test_no_place_is_where_a_drummer_was(tiny_bundle: Bundle) -> None:
    """A model that knows nothing else gives copies; it is asked again, as `sample` asks it."""
    runtime = Runtime(tiny_bundle)
    plane = map_styles(8, model=runtime)
    groove = place(plane, 0.1, 0.2, seed=4, model=runtime)
    (mark,) = fingerprints(groove.hits[None])
    assert mark not in tiny_bundle.training_fingerprints


def test_no_place_is_refused_in_silence(shipped: Runtime, plane: Map, tiny_bundle: Bundle) -> None:
    for x, y in ((float("nan"), 0), (0, float("inf"))):
        with pytest.raises(ConfigError, match="no place on a map"):
            place(plane, x, y, model=shipped)
    with pytest.raises(ConfigError, match="not one of tiny"):
        place(plane, 0, 0, model=tiny_bundle)
    with pytest.raises(ConfigError, match="no latents"):
        place(make_map(plane.z(plane.points), layout="neighbours"), 0, 0, model=shipped)
    with pytest.raises(ConfigError, match="draws of each style"):
        map_styles(0, model=shipped)


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
