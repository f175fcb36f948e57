"""Presentation attacks: what each instrument does to a picture, and what an attack may depend on."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from unispace.data.attacks import mask, paper, presentations, screen
from unispace.data.attacks.draws import draw
from unispace.data.attacks.presentations import KINDS, PARAMETERS, present
from unispace.data.attacks.sampling import to_planes
from unispace.data.studio.faces_landmarks import LANDMARKS

# Changes whenever an attack changes: every data set made before is then out of date.
ATTACKS = "b435f7ca01c916949fdd2527510993a514ccb50f33be218d743861c44405d955"
MODULES = {"print": paper, "replay": screen, "mask": mask}


def attack(portraits, kind: str, n: int = 24, size: int = 64, seed: int = 0):
    images, landmarks = portraits(n, size)
    made, table = present(images, np.full(n, kind), landmarks, np.arange(n) + seed)
    return images, landmarks, made, table


def strongest(portraits, kind, images=None, n=12, **fixed):
    """Attacks with some of the drawn numbers fixed, as floats, and the numbers."""
    own, landmarks = portraits(n)
    images = own if images is None else images
    seeds = np.arange(n)
    drawn = draw(seeds, MODULES[kind].SPREADS, kind)
    drawn |= {name: np.full(n, float(value)) for name, value in fixed.items()}
    return MODULES[kind].present(to_planes(images), drawn, seeds, landmarks).astype(
        float
    ), landmarks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [32, 33, 64, 100, 256])
def test_attacks_have_the_size_of_the_picture(portraits, kind, size):
    images, _, made, _ = attack(portraits, kind, 3, size)
    assert made.shape == images.shape
    assert made.dtype == np.uint8
    assert (np.abs(made.astype(int) - images).mean(axis=(1, 2, 3)) > 1).all()


def test_an_attack_does_not_depend_on_its_batch(portraits, monkeypatch):
    images, landmarks = portraits(24)
    kinds, seeds = np.array(KINDS * 8), np.arange(24) * 2**33 + 5
    together, table = present(images, kinds, landmarks, seeds)
    order = np.random.default_rng(0).permutation(24)
    shuffled, rows = present(images[order], kinds[order], landmarks[order], seeds[order])
    assert (shuffled == together[order]).all()
    pd.testing.assert_frame_equal(rows, table.iloc[order].reset_index(drop=True))
    monkeypatch.setattr(presentations, "CHUNK", 3)
    assert (present(images, kinds, landmarks, seeds)[0] == together).all()
    alone = [
        present(images[i : i + 1], kinds[i : i + 1], landmarks[i : i + 1], seeds[i : i + 1])[0][0]
        for i in range(24)
    ]
    assert (np.stack(alone) == together).all()


def test_attacks_are_reproducible_to_the_byte(portraits):
    images, landmarks = portraits(12, 48)
    made, _ = present(images, np.array(KINDS * 4), landmarks, np.arange(12))
    assert hashlib.sha256(made.tobytes()).hexdigest() == ATTACKS


def test_the_input_is_left_alone_and_nothing_is_fine(portraits):
    images, landmarks = portraits(6)
    before, points = images.copy(), landmarks.copy()
    present(images, np.array(KINDS * 2), landmarks, np.arange(6))
    assert (images == before).all()
    assert (landmarks == points).all()
    none, table = present(images[:0], np.array([]), landmarks[:0], np.arange(0))
    assert len(none) == len(table) == 0
    assert table.columns.tolist() == ["kind", *PARAMETERS]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_drawn_is_saved_and_stays_in_its_range(portraits, kind):
    _, _, _, table = attack(portraits, kind, 40)
    assert table.columns.tolist() == ["kind", *PARAMETERS]
    own = [c for c in PARAMETERS if c.startswith(kind)]
    assert table[own].notna().all(axis=None)
    assert table[[c for c in PARAMETERS if c not in own]].isna().all(axis=None)
    for name, spread in MODULES[kind].SPREADS.items():
        values = table[f"{kind}_{name}"]
        assert (values.between(spread.low, spread.high) | (values == spread.otherwise)).all(), name
        assert values.nunique() > 5, name


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_is_another_attack(portraits, kind):
    _, _, first, _ = attack(portraits, kind, 6)
    _, _, second, _ = attack(portraits, kind, 6, seed=100)
    assert (np.abs(first.astype(int) - second).mean(axis=(1, 2, 3)) > 0.5).all()


@pytest.mark.parametrize("kind", KINDS)
def test_weak_attacks_are_nearer_to_the_picture_than_strong_ones(portraits, kind):
    still = {"fill": 1.0} | dict.fromkeys(
        ("turn", "keystone_x", "keystone_y", "offset_x", "offset_y", "bend"), 0.0
    )
    still = {name: value for name, value in still.items() if name in MODULES[kind].SPREADS}
    images, _ = portraits(12)
    weak, strong = (
        np.abs(strongest(portraits, kind, None, 12, strength=s, **still)[0] - images).mean()
        for s in (0.3, 1.0)
    )
    assert 0.5 < weak < 0.75 * strong


@pytest.mark.parametrize(("kind", "least"), [("print", 0.8), ("replay", 0.8), ("mask", 0.95)])
def test_the_subject_stays_recognisable(portraits, kind, least):
    """Among 40 persons the attack looks most like its own subject, coarsely and without its brightness."""
    images, _, made, table = attack(portraits, kind, 40)

    def features(pictures: np.ndarray) -> np.ndarray:
        coarse = pictures.astype(float).reshape(40, 16, 4, 16, 4, 3).mean(axis=(2, 4))
        flat = coarse.reshape(40, -1) - coarse.reshape(40, -1).mean(axis=1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    likeness = features(made) @ features(images).T
    own = likeness.argmax(axis=1) == np.arange(40)
    # A picture held smaller in the frame is not where the template has it.
    straight = np.ones(40, bool) if kind == "mask" else (table[f"{kind}_fill"] > 0.9).to_numpy()
    assert own[straight].mean() >= least


def flat(level: int | tuple[int, int, int], n: int = 12) -> np.ndarray:
    return np.broadcast_to(np.array(level, np.uint8), (n, 64, 64, 3)).copy()


def test_ink_is_less_black_than_black_and_duller_than_colour(portraits):
    black, _ = strongest(portraits, "print", flat(0), strength=1.0, fill=1.04)
    assert (black[:, 16:48, 16:48].mean(axis=(1, 2, 3)) > 15).all()
    red, _ = strongest(portraits, "print", flat((230, 30, 30)), strength=1.0, fill=1.04)
    inner = red[:, 16:48, 16:48].mean(axis=(1, 2))
    assert ((inner[:, 0] - inner[:, 1]) < 0.85 * 200).all()


def test_paper_shows_a_white_margin_and_the_desk_behind(portraits):
    held = {"turn": 0, "keystone_x": 0, "keystone_y": 0, "offset_x": 0, "offset_y": 0, "bend": 0}
    made, _ = strongest(
        portraits, "print", flat(60), strength=0.5, fill=0.8, margin=0.1, desk=0.2, blur=0, **held
    )
    # The picture ends at 0.8 of the half side, the paper at 0.88, so from 57.6 to 60.2 pixels.
    assert (made[:, 20:44, 58].mean(axis=(1, 2)) > 190).all()
    assert (made[:, 20:44, 62].mean(axis=(1, 2)) < 90).all()
    assert (made[:, 20:44, 45].mean(axis=(1, 2)) < 140).all()


def test_halftone_has_the_period_of_its_dots(portraits):
    made, _ = strongest(
        portraits, "print", flat(128), strength=1.0, fill=1.0, turn=0, keystone_x=0, keystone_y=0,
        bend=0, pitch=4.0, dots=0.3, dither=0, fibre=0, streaks=0, light=0, blur=0, offset_x=0, offset_y=0,
    )  # fmt: skip
    spectrum = np.abs(np.fft.fft2(made[0, :, :, 0] - made[0, :, :, 0].mean()))
    rows, columns = np.unravel_index(spectrum.argmax(), spectrum.shape)
    frequency = np.hypot(np.fft.fftfreq(64)[rows], np.fft.fftfreq(64)[columns])
    assert frequency == pytest.approx(1 / 4, abs=0.02)


def test_displays_are_blue_and_have_a_dark_frame(portraits):
    held = {"turn": 0, "keystone_x": 0, "keystone_y": 0, "offset_x": 0, "offset_y": 0}
    made, _ = strongest(
        portraits, "replay", flat(128), strength=1.0, fill=0.8, bezel=0.12, room=0.35, glare=0, streak=0,
        noise=0, bezel_level=0.05, levels=255, **held
    )  # fmt: skip
    inner = made[:, 12:52, 12:52].mean(axis=(1, 2))
    assert (inner[:, 2] > inner[:, 0] * 1.04).all()
    # The picture ends at 0.8 of the half side, the frame at 0.896.
    assert (made[:, 20:44, 59].mean(axis=(1, 2)) < 40).all()
    assert (made[:, 20:44, 62].mean(axis=(1, 2)) > 55).all()


def test_glare_lies_where_it_was_drawn_and_banding_leaves_few_tones(portraits):
    plain = {
        "fill": 1.0, "turn": 0, "keystone_x": 0, "keystone_y": 0, "offset_x": 0, "offset_y": 0,
        "moire": 0, "lattice": 0, "streak": 0, "bands": 0, "noise": 0, "strength": 1.0,
    }  # fmt: skip
    glaring = plain | {"glare_x": 0.5, "glare_y": -0.5, "glare_size": 0.3, "levels": 255}
    lit, _ = strongest(portraits, "replay", flat(90), glare=0.5, **glaring)
    dark, _ = strongest(portraits, "replay", flat(90), glare=0.0, **glaring)
    rows, columns = np.unravel_index((lit - dark)[0].sum(axis=-1).argmax(), (64, 64))
    assert abs(columns - 47.5) <= 1
    assert abs(rows - 15.5) <= 1
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, None, :, None], 3, axis=3)
    ramp = np.repeat(np.repeat(ramp, 64, axis=1), 12, axis=0)
    coarse, _ = strongest(portraits, "replay", ramp, glare=0, levels=8, **plain)
    assert all(len(np.unique(image[..., 1])) <= 9 for image in coarse)


def test_a_mask_shows_the_wearers_eyes(portraits):
    """Whatever the subject's eyes look like, the middle of a hole is the same."""
    images, landmarks = portraits(12)
    painted = images.copy()
    for picture, points in zip(painted, landmarks, strict=True):
        for side in ("left", "right"):
            ends = [points[LANDMARKS.index(f"eye_{p}_{side}")] for p in ("inner", "outer")]
            x, y = np.mean(ends, axis=0).astype(int)
            picture[y - 1 : y + 2, x - 1 : x + 2] = (255, 0, 255)
    original, _ = strongest(portraits, "mask", wax=0, gloss=0)
    changed, _ = strongest(portraits, "mask", painted, wax=0, gloss=0)
    for i, points in enumerate(landmarks):
        for side in ("left", "right"):
            ends = [points[LANDMARKS.index(f"eye_{p}_{side}")] for p in ("inner", "outer")]
            x, y = np.mean(ends, axis=0).astype(int)
            assert np.abs(original[i, y, x] - changed[i, y, x]).max() <= 2


def test_a_mask_leaves_the_rest_of_the_picture(portraits):
    images, landmarks = portraits(12)
    made, _ = strongest(portraits, "mask", strap=0, wearer_shown=0)
    bridge, chin = (landmarks[:, LANDMARKS.index(n)] for n in ("nose_bridge", "chin"))
    height = np.linalg.norm(bridge - chin, axis=1)
    y, x = np.mgrid[:64, :64] + 0.5
    apart = np.hypot(x - bridge[:, :1, None], y - ((bridge + chin) / 2)[:, 1:, None])
    far = apart > 2.2 * height[:, None, None]
    assert far.any(axis=(1, 2)).sum() > 6
    assert np.abs(made - images)[far].max() <= 1


def test_a_mask_has_a_dark_border_and_sometimes_a_strap_or_mouth(portraits):
    soft, _ = strongest(portraits, "mask", rim=0.0, strap=0, mouth=0)
    hard, landmarks = strongest(portraits, "mask", rim=0.75, strap=0, mouth=0)
    for i, points in enumerate(landmarks):
        x, y = points[LANDMARKS.index("chin")].astype(int)
        near = (slice(max(y - 4, 0), y + 5), slice(x - 3, x + 4))
        assert (soft[i][near] - hard[i][near]).max() > 15
    strapped, _ = strongest(portraits, "mask", strap=0.06, mouth=0, rim=0.5)
    bare, _ = strongest(portraits, "mask", strap=0.0, mouth=0, rim=0.5)
    assert (np.abs(strapped - bare).max(axis=(1, 2, 3)) > 20).all()
    speaking, _ = strongest(portraits, "mask", mouth=1.0)
    silent, _ = strongest(portraits, "mask", mouth=0.0)
    for i, points in enumerate(landmarks):
        x, y = (
            points[[LANDMARKS.index(f"mouth_{s}") for s in ("left", "right")]]
            .mean(axis=0)
            .astype(int)
        )
        assert np.abs(speaking - silent)[i, y - 2 : y + 3, x - 3 : x + 4].max() > 20


def test_faces_outside_the_picture_are_no_reason_to_stop(portraits):
    images, landmarks = portraits(6)
    made, _ = present(images, np.full(6, "mask"), landmarks + 500, np.arange(6))
    assert np.abs(made.astype(int) - images).max() <= 1
    same = np.full_like(landmarks, 20.0)
    assert present(images, np.full(6, "mask"), same, np.arange(6))[0].shape == images.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": np.array(["print", "replya"])}, "unknown presentation attack 'replya'; did you mean `replay`"),
        ({"kinds": np.array(["print"])}, "2 images need as many kinds"),
        ({"seeds": np.array([1, -2])}, "integers of 0 or more"),
        ({"seeds": np.arange(3)}, "2 images need as many seeds"),
        ({"landmarks": np.zeros((2, 5, 2))}, r"landmarks must be \(2, 42, 2\).*not \(2, 5, 2\)"),
        ({"landmarks": np.full((2, 42, 2), np.nan)}, "finite"),
        ({"images": np.zeros((2, 64, 64, 3))}, "uint8 .* not float64"),
        ({"images": np.zeros((2, 64, 60, 3), np.uint8)}, "square, of at least 32 pixels, not 64 x 60"),
        ({"images": np.zeros((2, 16, 16, 3), np.uint8)}, "not 16 x 16"),
    ],
)  # fmt: skip
def test_impossible_arguments_are_refused(portraits, change, message):
    images, landmarks = portraits(2)
    arguments = {
        "images": images, "kinds": np.array(["print", "mask"]), "landmarks": landmarks, "seeds": np.arange(2),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        present(**(arguments | change))
