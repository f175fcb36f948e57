"""Who a map is fitted on, and who it is tested on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.protocols.fitting import across, plain_names, shuffled, within

NAMES = st.lists(st.sampled_from([f"person {i}" for i in range(30)]), min_size=1, max_size=80)


def people(names, chosen):
    return set(np.asarray(names)[chosen])


@given(NAMES, st.floats(0.05, 0.95))
def test_within_a_data_set_nobody_is_on_both_sides_and_nobody_is_lost(names, share):
    found = within(names, share)
    assert not people(names, found.fit) & people(names, found.test)
    assert (found.fit ^ found.test).all()


@given(NAMES, NAMES, st.sampled_from(["leave-out", "divide"]))
def test_across_data_sets_nobody_is_on_both_sides(fitted, tested, shared):
    found = across(fitted, tested, 0.7, shared)
    both = set(fitted) & set(tested)
    assert not people(fitted, found.fit) & people(tested, found.test)
    assert found.shared == len(both)
    assert people(fitted, found.fit) >= set(fitted) - both
    assert people(tested, found.test) >= set(tested) - both
    if shared == "leave-out":
        assert found.test.all()
    else:
        # Each shared identity is on one side, and on the same as within one data set.
        assert people(fitted, found.fit) | people(tested, found.test) >= both
        assert people(fitted, found.fit) & both == people(fitted, within(fitted, 0.7).fit) & both


def test_names_are_the_same_however_they_are_written():
    fitted, tested = ["Ana_Beatriz  Barros", "Zoë"], ["ANA BEATRIZ BARROS", "zoe", "new"]
    found = across(fitted, tested, 0.5, "leave-out")
    assert (found.shared, found.fit.tolist(), found.test.tolist()) == (2, [False] * 2, [True] * 3)
    assert plain_names(["b", "a", "b"]).tolist() == ["b", "a", "b"]


@given(NAMES, st.integers(0, 100))
def test_a_random_split_takes_its_share_of_the_identities(names, seed):
    found = shuffled(names, 0.7, seed)
    count = len(set(names))
    assert len(people(names, found.fit)) == max(1, int(0.7 * count))
    assert not people(names, found.fit) & people(names, found.test)
    assert (shuffled(names, 0.7, seed).fit == found.fit).all()


def test_random_splits_do_not_depend_on_the_order_of_the_images():
    names = np.repeat([f"n{i}" for i in range(20)], 3)
    order = np.random.default_rng(0).permutation(len(names))
    straight, mixed = shuffled(names, 0.7, 42), shuffled(names[order], 0.7, 42)
    assert (straight.fit[order] == mixed.fit).all()
    assert (straight.fit != shuffled(names, 0.7, 43).fit).any()


def test_paper_sizes_cfp():
    """350 of the 500 identities of CFP are fitted on, 3,500 of 5,000 images."""
    found = shuffled(np.repeat([f"{i:03d}" for i in range(500)], 10), 0.7, 42)
    assert (found.fit.sum(), found.test.sum()) == (3500, 1500)


@pytest.mark.parametrize("bad", [[None], [""]])
def test_nameless_identities_are_refused(bad):
    if bad == [None]:
        with pytest.raises(ValueError, match="1 of 1 keys are empty"):
            within(bad, 0.5)
    else:
        assert within(bad, 0.5).fit.shape == (1,)
