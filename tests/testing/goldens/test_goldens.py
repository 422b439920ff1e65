"""Claims about golden files: their place, the driver they are compared on, messages, updates."""

import os

import numpy as np
import pytest
from PIL import Image

from engine.testing.comparison.pictures import Tolerance, difference, from_png, to_png
from engine.testing.goldens.findings import Findings, State, accept
from engine.testing.goldens.goldens import GoldenError, Goldens, driver_word

DRIVER = "llvmpipe (LLVM 15.0.6, 256 bits)"


def frame(width=32, height=24, value=100):
    return np.full((height, width, 4), value, np.uint8)


@pytest.fixture
def findings(tmp_path):
    return Findings(tmp_path / "findings")


@pytest.fixture
def updating(tmp_path, findings):
    return Goldens(tmp_path / "goldens", "a test", findings, updating=True)


@pytest.fixture
def goldens(tmp_path, findings, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Goldens(tmp_path / "goldens", "a test", findings)


@pytest.fixture
def kept(updating, findings, goldens):
    """Goldens with one picture and one text in them."""
    updating.picture("lamp", frame(), DRIVER)
    updating.text("lamp", "a: 1\nb: 2\n", "lavapipe")
    accept(findings)
    return goldens


def said(call, *arguments, **options):
    with pytest.raises(GoldenError) as raised:
        call(*arguments, **options)
    return str(raised.value)


def test_a_missing_golden_fails_and_says_how_to_make_it(goldens):
    assert said(goldens.picture, "lamp", frame(), DRIVER) == (
        "there is no golden goldens/lamp.png; "
        "make it with `pytest --update-goldens`, and look at it before you accept it"
    )


def test_what_waits_is_no_golden_before_it_is_accepted(updating, goldens, findings):
    result = updating.picture("lamp", frame(), DRIVER)
    assert not result.compared
    assert [finding.state for finding in findings] == [State.NEW]
    assert "there is no golden" in said(goldens.picture, "lamp", frame(), DRIVER)


def test_an_accepted_golden_is_compared_and_nothing_waits_any_more(kept, findings):
    assert kept.picture("lamp", frame(), DRIVER).compared
    assert kept.text("lamp", "a: 1\nb: 2\n", "lavapipe").compared
    assert list(findings) == []


def test_a_golden_of_another_size_fails_with_both_sizes(kept):
    assert "it is 32x24 pixels, the frame 16x12" in said(kept.picture, "lamp", frame(16, 12), DRIVER)


def test_a_few_levels_pass_and_more_fail_with_place_and_amount(kept):
    near, far = frame(value=102), frame()
    far[5:7, 10:13] = 200
    assert kept.picture("lamp", near, DRIVER).compared
    message = said(kept.picture, "lamp", far, DRIVER)
    assert "6 of 768 pixels (0.781%) differ, by up to 100 of 255" in message
    assert "all of them in x 10 y 5 width 3 height 2" in message
    assert "allowed are 2 levels, and more in 0.100% of the pixels" in message


def test_a_lost_colour_channel_fails(kept):
    pixels = frame()
    pixels[..., 2] = 0
    assert "768 of 768 pixels" in said(kept.picture, "lamp", pixels, DRIVER)


def test_the_tolerance_of_a_test_counts(kept):
    pixels = frame()
    pixels[0, :4] = 255
    assert kept.picture("lamp", pixels, DRIVER, Tolerance(share=0.01)).compared
    assert kept.picture("lamp", frame(value=110), DRIVER, Tolerance(levels=10)).compared
    assert "differ" in said(kept.picture, "lamp", frame(value=111), DRIVER, Tolerance(levels=10))


def test_only_what_box_and_mask_leave_counts(kept):
    pixels = frame()
    pixels[:, :8] = 0
    mask = np.ones(pixels.shape[:2], bool)
    mask[:, :8] = False
    assert kept.picture("lamp", pixels, DRIVER, mask=mask).compared
    assert kept.picture("lamp", pixels, DRIVER, box=(8, 0, 24, 24)).compared
    assert "24 of 168 pixels" in said(kept.picture, "lamp", pixels, DRIVER, box=(7, 0, 7, 24))
    assert "the mask is 3x2 pixels" in said(kept.picture, "lamp", frame(), DRIVER, mask=np.ones((2, 3), bool))


def test_a_picture_made_on_another_driver_is_not_compared_and_it_is_reported(kept):
    result = kept.picture("lamp", frame(value=0), "NVIDIA H200")
    assert not result.compared
    assert result.reason == (
        "goldens/lamp.png was made on llvmpipe, this is nvidia; "
        "make the folder goldens/nvidia to keep a set for this driver"
    )
    assert kept.not_compared == [result.reason]


def test_a_driver_with_a_folder_has_goldens_of_its_own(kept, updating, findings, tmp_path):
    own = tmp_path / "goldens" / "nvidia"
    own.mkdir()
    assert "there is no golden goldens/nvidia/lamp.png" in said(kept.picture, "lamp", frame(), "NVIDIA H200")
    updating.picture("lamp", frame(value=7), "NVIDIA H200")
    assert [path.name for path in accept(findings)] == ["lamp.png"]
    assert from_png((own / "lamp.png").read_bytes())[0].max() == 7
    assert kept.picture("lamp", frame(value=7), "NVIDIA H200").compared
    assert kept.picture("lamp", frame(), DRIVER).compared


def test_a_text_is_compared_exactly_and_the_difference_is_shown(kept):
    message = said(kept.text, "lamp", "a: 1\nb: 3\n", "lavapipe")
    assert "\n- b: 2\n+ b: 3\n" in message
    assert "pytest --update-goldens" in message


def test_a_plan_for_another_device_is_not_compared(kept):
    assert not kept.text("lamp", "anything", "unified").compared


def test_a_golden_that_is_no_picture_fails(kept, tmp_path):
    (tmp_path / "goldens" / "lamp.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert "not a readable PNG" in said(kept.picture, "lamp", frame(), DRIVER)


@pytest.mark.parametrize("name", ["../lamp", "a/b", "", ".lamp", "x" * 200, "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(goldens, name):
    assert "cannot name a golden" in said(goldens.picture, name, frame(), DRIVER)


def test_a_golden_says_where_it_was_made_whatever_wrote_it(kept, tmp_path):
    """One that another program saved, without the comment, counts everywhere."""
    path = tmp_path / "goldens" / "lamp.png"
    Image.fromarray(frame()[..., :3]).save(path)
    assert kept.picture("lamp", frame(), "NVIDIA H200").compared


def test_a_failed_golden_is_found_with_both_pictures_and_is_never_accepted(kept, findings, tmp_path):
    said(kept.picture, "lamp", frame(value=1), DRIVER)
    (finding,) = findings
    assert finding.state is State.FAILED
    assert from_png(finding.expected)[0].max() == 100
    assert from_png(finding.actual)[0].max() == 1
    before = (tmp_path / "goldens" / "lamp.png").read_bytes()
    assert accept(findings) == []
    assert (tmp_path / "goldens" / "lamp.png").read_bytes() == before


def test_steps_are_unsigned_whichever_picture_is_brighter():
    dark, light = frame(value=0)[..., :3], frame(value=255)[..., :3]
    assert difference(dark, light).largest == difference(light, dark).largest == 255


@pytest.mark.parametrize(
    ("name", "word"), [(DRIVER, "llvmpipe"), ("NVIDIA H200", "nvidia"), ("", "unknown"), ("../x", "x")]
)
def test_a_driver_is_one_word_that_can_name_a_folder(name, word):
    assert driver_word(name) == word
    assert os.sep not in driver_word(name)


def test_a_picture_comes_back_from_png_as_it_was():
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 4), np.uint8)
    back, texts = from_png(to_png(pixels, {"Comment": "made on x"}))
    assert np.array_equal(back, pixels[..., :3])
    assert texts["Comment"] == "made on x"
