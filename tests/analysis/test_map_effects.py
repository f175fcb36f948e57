"""What maps do to test images, in worlds in which it is known; and which triples of maps are composed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from unispace.alignment.maps import fit_baseline, fit_procrustes, fit_ridge
from unispace.alignment.space import unit_rows
from unispace.analysis.map_effects import SIMILARITIES, MappedImages
from unispace.analysis.map_geometry import core, map_geometry, shape_measures
from unispace.analysis.subspaces import principal_components
from unispace.analysis.transitivity import example_triples

PEOPLE, EACH, D = 20, 5, 8


def world(noise=0.0, seed=0):
    """Two models a rotation and some noise apart, and a third with nothing in common."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(PEOPLE), EACH)
    latent = rng.normal(size=(PEOPLE, D))[who] + 0.3 * rng.normal(size=(PEOPLE * EACH, D))
    turned = latent @ ortho_group.rvs(D, random_state=rng) + noise * rng.normal(size=latent.shape)
    vectors = {"a": latent, "b": turned, "alone": rng.normal(size=latent.shape)}
    return {name: unit_rows(v) for name, v in vectors.items()}, who


def images(vectors, who, rows=slice(None)):
    some = {name: v[rows] for name, v in vectors.items()}
    return MappedImages(some, who[rows], 60, lambda name: np.random.default_rng(len(name)))


def fitted(fit, vectors, source="a", target="b"):
    return fit(vectors[source], vectors[target])


def values(measures):
    return {m.metric: m.value for m in measures}


def test_a_rotation_changes_no_similarity_and_leaves_nothing_over():
    vectors, who = world()
    seen = images(vectors, who)
    turn = fitted(fit_procrustes, vectors)
    for found in (seen.unmapped("a", "b"), seen.similarity("a", "b", turn)):
        assert [m.metric for m in found] == list(SIMILARITIES)
        assert all(v == pytest.approx(1, abs=1e-4) for v in values(found).values())
    left, whole = seen.residuals("a", "b", turn, principal_components(vectors["b"]))
    assert whole.value == pytest.approx(0, abs=1e-8)
    assert np.allclose(left.unexplained, 0, atol=1e-8)
    after = values(seen.centroids("a", "b", turn))
    before = values(seen.centroids("a", "b", fitted(fit_baseline, vectors)))
    assert after["own"] == pytest.approx(1, abs=1e-4)
    assert before["own"] < 0.5


def test_the_unexplained_share_is_that_of_all_components_and_has_an_interval():
    vectors, who = world(noise=0.8)
    seen = images(vectors, who)
    for fit in (fit_procrustes, fit_ridge):
        left, whole = seen.residuals(
            "a", "b", fitted(fit, vectors), principal_components(vectors["b"])
        )
        assert whole.value == pytest.approx(left.total, rel=1e-6)
        assert whole.lower < whole.value < whole.upper


def test_the_order_of_two_models_as_they_are_does_not_matter():
    seen = images(*world(noise=0.5))
    there, back = (values(seen.unmapped(*ends)) for ends in (("a", "alone"), ("alone", "a")))
    assert there == pytest.approx(back)
    assert abs(there["CKA-debiased"]) < 0.5 * there["CKA"] < 0.1


def test_what_was_seen_once_is_what_would_be_seen_again():
    vectors, who = world(noise=0.5)
    seen, fresh = images(vectors, who), images(vectors, who)
    ridge = fitted(fit_ridge, vectors)
    seen.unmapped("a", "b")
    seen.similarity("b", "a", fitted(fit_ridge, vectors, "b", "a"))
    assert seen.similarity("a", "b", ridge) == fresh.similarity("a", "b", ridge)


def test_too_few_images_fail_and_say_so():
    vectors, who = world()
    few = images(vectors, who, slice(EACH - 1, EACH + 1))
    for measure in few.unmapped("a", "b"):
        assert measure.status.startswith("failed: 2 images; representations are compared on 4")


def test_shape_of_a_rotation_and_of_unequal_spaces():
    vectors, _ = world()
    turn = fitted(fit_procrustes, vectors)
    found = values(shape_measures(turn, map_geometry(core(turn))))
    assert found["orthogonality gap"] == pytest.approx(0, abs=1e-6)
    assert found["rotation share"] == pytest.approx(1)
    assert found["effective rank"] == pytest.approx(D)
    assert found["parameters"] == D * (D - 1) / 2
    assert found["reflection"] == float(np.linalg.det(core(turn)) < 0)
    narrow = fit_ridge(vectors["a"], vectors["b"][:, :5])
    assert "reflection" not in values(shape_measures(narrow, map_geometry(core(narrow))))


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9), st.integers(1, 8))
def test_triples_are_of_different_models_and_one_for_each_set_of_families(drawn, most):
    family = {f"m{i}": name for i, name in enumerate(drawn)}
    triples = example_triples(family, most)
    assert len(triples) <= most
    assert all(len(set(triple)) == 3 for triple in triples)
    sets = [frozenset(family[model] for model in triple) for triple in triples]
    assert len(sets) == len(set(sets))


def test_a_chain_leaves_its_family_and_comes_back():
    family = {"f1": "f", "f2": "f", "f3": "f", "g1": "g", "h1": "h", "h2": "h"}
    assert example_triples(family, 9) == [
        ("f1", "f2", "f3"),
        ("f1", "g1", "f2"),
        ("f1", "h1", "f2"),
        ("h1", "g1", "h2"),
        ("f1", "g1", "h1"),
    ]
