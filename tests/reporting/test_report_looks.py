"""Names and looks: short, and never shared by two series."""

from unispace.reporting.looks import in_order, looks, model_looks, short_names


def test_short_names_keep_what_tells_models_apart():
    assert short_names(["b/base/seed0", "b/imic/seed0"]) == {
        "b/base/seed0": "base",
        "b/imic/seed0": "imic",
    }
    assert short_names(["b/base/seed0", "b/base/seed1"])["b/base/seed1"] == "seed1"
    assert short_names(["b/base/seed0"]) == {"b/base/seed0": "base"}
    assert short_names(["b/base/seed0", "b/pretrained"])["b/pretrained"] == "pretrained"
    assert short_names([]) == {}


def test_short_names_stay_distinct():
    models = ["a/base/seed0", "a/base/seed1", "b/base", "b/pretrained"]
    assert len(set(short_names(models).values())) == 4


def test_two_hundred_series_look_different():
    names = [str(i) for i in range(200)]
    assert len({repr(look) for look in looks(names).values()}) == 200


def test_curricula_keep_their_colour_across_backbones_and_seeds():
    models = [f"{b}/{c}/seed{s}" for b in "ab" for c in ("base", "imic") for s in (0, 1)]
    styles = model_looks(models)
    assert len({repr(look) for look in styles.values()}) == 8
    assert len({styles[m].colour for m in models if "/base/" in m}) == 1


def test_more_curricula_than_colours_keep_theirs_too_and_stay_apart():
    models = [f"{b}/c{i}/seed0" for b in "abc" for i in range(13)]
    styles = model_looks(models)
    assert len({repr(look) for look in styles.values()}) == len(models)
    for i in range(13):
        assert len({styles[m].colour for m in models if f"/c{i}/" in m}) == 1


def test_study_order_comes_first():
    assert in_order({"z", "b", "a"}, ["b", "c"]) == ["b", "a", "z"]
    assert in_order({"b"}, ["c", "b"], whole=True) == ["c", "b"]
