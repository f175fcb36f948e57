"""Galleries, queries and open sets: who is enrolled, who is searched for, and what a search leaves out."""

import hashlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unispace.data.protocols.galleries import enrol_all, enrol_probe, open_set, query_gallery
from unispace.data.splits import hash_fraction

quick = settings(
    deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck)
)

# Enrolment


def ids(n):
    return [f"image-{i:03d}" for i in range(n)]


@quick
@given(st.lists(st.integers(-3, 9), min_size=1, max_size=40))
def test_one_image_per_identity_is_enrolled_and_the_others_are_probes(identity):
    identity, key = np.array(identity), ids(len(identity))
    found = enrol_probe(identity, key)
    assert sorted(identity[found.gallery]) == sorted(set(identity.tolist()))
    assert sorted([*found.gallery, *found.probe]) == list(range(len(identity)))
    for name in set(identity.tolist()):
        mine = [key[i] for i in np.flatnonzero(identity == name)]
        enrolled = key[found.gallery[identity[found.gallery] == name][0]]
        assert enrolled == min(mine, key=lambda k: hashlib.sha256(k.encode()).hexdigest())
    counts = np.unique(identity, return_counts=True)[1]
    assert found.single_image_identities == (counts == 1).sum()
    assert found.single_camera_identities == 0


def test_images_of_others_and_their_order_change_no_enrolment():
    rng = np.random.default_rng(0)
    identity, key = rng.integers(0, 8, 50), np.array(ids(50))
    enrolled = set(key[enrol_probe(identity, key.tolist()).gallery])
    order = rng.permutation(50)
    moved = enrol_probe(identity[order], key[order].tolist())
    assert set(key[order][moved.gallery]) == enrolled
    more = enrol_probe(np.append(identity, [90, 90, 91]), [*key, "x", "y", "z"])
    assert {[*key, "x", "y", "z"][i] for i in more.gallery} > enrolled


def test_probes_come_from_other_cameras():
    identity = np.array([0, 0, 0, 0, 1, 1, 2])
    camera = np.array(["a", "b", "a", "b", "a", "a", "b"])
    found = enrol_probe(identity, ids(7), camera)
    enrolled = dict(zip(identity[found.gallery], camera[found.gallery], strict=True))
    expected = [i for i in range(4) if camera[i] != enrolled[0]]
    assert found.probe.tolist() == expected
    assert len(expected) == 2
    assert (found.single_image_identities, found.single_camera_identities) == (1, 1)
    assert len(found.gallery) == 3


def test_unusable_images_are_refused():
    with pytest.raises(ValueError, match="image id 'b' occurs more than once"):
        enrol_probe(np.arange(3), ["a", "b", "b"])
    with pytest.raises(ValueError, match="3 identities, 2 keys; all must be of the same images"):
        enrol_probe(np.arange(3), ["a", "b"])
    with pytest.raises(ValueError, match="3 identities, 3 keys, 1 cameras"):
        enrol_probe(np.arange(3), ["a", "b", "c"], np.array(["x"]))
    with pytest.raises(ValueError, match="no image to enrol"):
        enrol_probe(np.array([], int), [])


# All images enrolled

PEOPLE = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), min_size=1, max_size=25)


def left_for(found, identity, camera, probe):
    """Rows of the entries of a probe's identity that its search does not leave out."""
    place = int(np.flatnonzero(found.probe == probe)[0])
    own = -1 if found.exclude is None else found.exclude[place]
    return [
        row
        for at, row in enumerate(found.gallery)
        if identity[row] == identity[probe]
        and at != own
        and not (found.across_cameras and camera[row] == camera[probe])
    ]


@quick
@given(PEOPLE, st.booleans())
def test_probes_without_their_own_image_are_all_that_can_be_found(people, with_cameras):
    identity = np.array([person for person, _ in people])
    camera = np.array([name for _, name in people])
    found = enrol_all(identity, camera if with_cameras else None, self_included=False)
    assert found.gallery.tolist() == list(range(len(people)))
    expected = [
        i
        for i in range(len(people))
        if any(
            identity[j] == identity[i] and j != i and (not with_cameras or camera[j] != camera[i])
            for j in range(len(people))
        )
    ]
    assert found.probe.tolist() == expected
    assert found.without_mate == len(people) - len(expected)
    assert found.exclude.tolist() == expected  # everybody is enrolled in the place of their row
    for probe in expected:
        assert left_for(found, identity, camera, probe)


def test_with_their_own_image_all_are_probes_and_nothing_is_left_out():
    found = enrol_all(np.array([3, 3, 4]), self_included=True)
    assert found.probe.tolist() == found.gallery.tolist() == [0, 1, 2]
    assert found.exclude is None
    assert not found.across_cameras
    with pytest.raises(ValueError, match="cannot be both kept and left out"):
        enrol_all(np.arange(2), np.array(["a", "b"]), self_included=True)


# Queries and gallery


def test_queries_search_the_gallery_as_market_1501_does():
    identity = np.array([1, 1, 1, 2, 2, 3, 4, 4, 9])
    camera = np.array(["1", "2", "1", "1", "1", "1", "1", "2", "5"])
    role = ["query", "gallery", "gallery", "query", "gallery", "query", "train", "query", "gallery"]
    found = query_gallery(identity, role, camera)
    assert found.gallery.tolist() == [1, 2, 4, 8]
    # 2 is in the gallery with the query's camera only, 3 and 4 not at all.
    assert found.probe.tolist() == [0]
    assert found.without_mate == 3
    assert left_for(found, identity, camera, 0) == [1]
    without = query_gallery(identity, role)
    assert without.probe.tolist() == [0, 3]
    assert left_for(without, identity, camera, 0) == [1, 2]
    with pytest.raises(ValueError, match="2 roles for 9 images"):
        query_gallery(identity, ["query"] * 2)
    with pytest.raises(ValueError, match="3 cameras for 9 images"):
        query_gallery(identity, role, camera[:3])


# Open set


@quick
@given(PEOPLE, st.floats(0.05, 0.95))
def test_in_an_open_set_known_identities_are_enrolled_and_unknown_ones_are_not(people, known):
    names = [f"person-{person}" for person, _ in people]
    key = ids(len(names))
    found = open_set(names, key, known)
    is_known = {name: hash_fraction(name, "open-set") < known for name in names}
    assert sorted(names[i] for i in found.gallery) == sorted(n for n, k in is_known.items() if k)
    assert found.unmated.tolist() == [i for i, name in enumerate(names) if not is_known[name]]
    known_rows = [i for i, name in enumerate(names) if is_known[name]]
    assert sorted([*found.gallery, *found.mated]) == known_rows


def test_an_identity_stays_known_when_others_come_and_mates_cross_cameras():
    names = [f"p{i // 4}" for i in range(80)]
    camera = np.array(["a", "b"] * 40)
    one = open_set(names, ids(80), 0.5, camera)
    assert 0 < len(one.gallery) < 20
    enrolled = {names[i]: camera[i] for i in one.gallery}
    assert all(camera[i] != enrolled[names[i]] for i in one.mated)
    assert len(one.mated) == 2 * len(one.gallery)
    more = open_set([*names, "new", "new"], ids(82), 0.5, np.append(camera, ["a", "b"]))
    assert set(one.gallery) <= set(more.gallery)
    assert set(one.unmated) <= set(more.unmated)


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_a_share_that_leaves_nobody_is_refused(share):
    with pytest.raises(ValueError, match="share of known identities lies between 0 and 1"):
        open_set(["a", "b"], ids(2), share)
