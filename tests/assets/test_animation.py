"""Claims about animation sources: what is packed, and what wrong ones get: place, code and hint."""

from __future__ import annotations

import numpy as np
import pytest

from engine.assets import (
    AnimatedProperty,
    AnimationFacts,
    ChannelFacts,
    Interpolation,
    open_library,
    read_asset_db,
)
from engine.assets.cache.fact_checks import checked_facts, content_fits
from engine.assets.cache.facts import facts_to_json
from engine.assets.importers.animation import import_animation
from engine.assets.recipes import recipes_of
from engine.humon import InputError, parse

CLIP = """\
animation: {
    channels: [
        { property: translation  times: [0 0.5 2]  values: [[0 0 0] [1 2 3] [4 5 6]] }
        { target: arm/hand  property: rotation  interpolation: step  times: [1]  values: [[0 0 0 2]] }
        { target: arm  property: scale  interpolation: cubic  times: [0 1]
          values: [[0 0 0] [1 1 1] [2 2 2] [3 3 3] [4 4 4] [5 5 5]] }
    ]
}
"""


def test_channels_are_packed_one_after_the_other_with_their_facts():
    made = import_animation(parse(CLIP, "clip.hu"))
    assert made.facts == AnimationFacts(
        2.0,
        (
            ChannelFacts("", AnimatedProperty.TRANSLATION, Interpolation.LINEAR, 3, 3),
            ChannelFacts("arm/hand", AnimatedProperty.ROTATION, Interpolation.STEP, 1, 4),
            ChannelFacts("arm", AnimatedProperty.SCALE, Interpolation.CUBIC, 2, 3),
        ),
    )
    numbers = np.frombuffer(made.data, "<f4").tolist()
    assert numbers[:12] == [0, 0.5, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6]
    assert numbers[12:17] == [1, 0, 0, 0, 2]
    assert numbers[17:] == [0, 1, *(n for n in range(6) for _ in range(3))]


def test_keys_may_be_numbers_of_a_packed_file():
    text = """animation: { channels: [
        { property: translation  times: { first: 0 count: 2 }  values: { first: 2 count: 6 } }
    ] }"""
    packed = np.array([0.0, 1.5, 1, 2, 3, 4, 5, 6], "<f4").tobytes()
    made = import_animation(parse(text, "clip.hu"), packed)
    assert made.data == packed
    assert made.facts.duration == 1.5


CHANNEL = "animation: {{ channels: [ {} ] }}"
THREE = "values: [[0 0 0] [1 1 1] [2 2 2]]"
KEYS = "times: [0 1]  values: [[0 0 0] [1 1 1]]"


@pytest.mark.parametrize(
    ("channels", "at", "code"),
    [
        (
            "{ property: translation  times: [0 2 1]  values: [[0 0 0] [1 1 1] [2 2 2]] }",
            "[0 2",
            "animation.times",
        ),
        (
            "{ property: translation  times: [0 1 1]  values: [[0 0 0] [1 1 1] [2 2 2]] }",
            "[0 1",
            "animation.times",
        ),
        ("{ property: translation  times: [-1 1]  values: [[0 0 0] [1 1 1]] }", "[-1", "animation.times"),
        ("{ property: translation  times: []  values: [] }", "[]", "animation.times"),
        ("{ property: translation  times: [[0 1]]  values: [[0 0 0]] }", "[[0 1", "animation.times"),
        ("{ property: translation  times: [0 1]  values: [[0 0 0]] }", "[[0 0 0]]", "animation.values"),
        ("{ property: rotation  times: [0]  values: [[0 0 0]] }", "[[0 0 0]]", "animation.values"),
        ("{ property: rotation  times: [0]  values: [[0 0 0 0]] }", "[[0 0 0 0]]", "animation.values"),
        ("{ property: scale  times: [0]  values: [[1 1 1e39]] }", "[[1 1", "animation.values"),
        (
            "{ property: scale  interpolation: cubic  times: [0]  values: [[1 1 1]] }",
            "[[1 1 1]]",
            "animation.values",
        ),
        ("{ property: scale  times: [0]  values: { first: 0 count: 3 } }", "{ first", "animation.values"),
        ("{ property: scale  times: [0]  values: { first: 0 count: 0 last: 2 } }", "2 }", "animation.field"),
        (f"{{ property: position  {KEYS} }}", "position", "value.choice"),
        (f"{{ property: scale  interpolation: bezier  {KEYS} }}", "bezier", "value.choice"),
        (f"{{ property: scale  way: step  {KEYS} }}", "step", "animation.field"),
        (
            f"{{ property: scale  {KEYS} }} {{ property: scale  {KEYS} }}",
            "{ property: scale  t",
            "animation.channel",
        ),
        ("", "[  ]", "animation.channel"),
    ],
)
def test_a_wrong_channel_has_a_place_a_code_and_words(channels, at, code):
    text = CHANNEL.format(channels)
    with pytest.raises(InputError) as raised:
        import_animation(parse(text, "clip.hu"))
    problem = raised.value.problems[0]
    assert problem.code == code
    assert problem.position.file == "clip.hu"
    column = text.rindex(at) if code == "animation.channel" and channels else text.index(at)
    assert problem.position.column == column + 1


def test_several_errors_are_reported_together():
    wrong = "{ property: scale  times: [1 0]  values: [[1 1 1] [1 1 1]] }"
    with pytest.raises(InputError) as raised:
        import_animation(parse(CHANNEL.format(f"{wrong} {wrong.replace('scale', 'turn')} "), "clip.hu"))
    assert [problem.code for problem in raised.value.problems] == ["animation.times", "value.choice"]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/clip.hu").write_text(CLIP)
    (tmp_path / "assets/bad.hu").write_text(
        CHANNEL.format("{ property: scale times: [1 0] values: [[1 1 1] [2 2 2]] }")
    )
    path = tmp_path / "assets/db.hu"
    path.write_text("""assetDb: { name: db  assets: [
        { @type: animation  name: good  source: clip.hu }
        { @type: animation  name: bad  source: bad.hu }
    ] }""")
    return path


def test_a_clip_is_cooked_once_and_read_from_its_cache(project):
    for _ in range(2):
        db = read_asset_db(parse(project.read_text(), "db.hu"), project, 1)
        assert db is not None
        with open_library([db]) as library:
            good, bad = (library.find("db", name) for name in ("good", "bad"))
            assert library.facts(good) == import_animation(parse(CLIP, "clip.hu")).facts
            assert library.read(good) == import_animation(parse(CLIP, "clip.hu")).data
            assert (library.is_broken(good), library.is_broken(bad)) == (False, True)
            codes = [problem.code for problem in library.problems]
            assert codes == ["asset.broken", "animation.times"]
            assert "animation 'bad' is broken and moves nothing" in library.problems[0].message
            assert library.usable(bad) == bad


def test_a_cache_with_other_facts_or_keys_is_not_believed(project):
    db = read_asset_db(parse(project.read_text(), "db.hu"), project, 1)
    assert db is not None
    recipe = recipes_of(db)[0]
    made = import_animation(parse(CLIP, "clip.hu"))
    good, data = facts_to_json(made.facts), bytes(made.data)
    assert checked_facts(recipe, good, len(data)) == made.facts

    def fits(content: bytes) -> bool:
        return content_fits(made.facts, lambda row_bytes: iter((memoryview(content),)))

    assert fits(data)
    for change in (
        {"duration": "2"},
        {"channels": []},
        {"channels": [*good["channels"], good["channels"][0]]},
        {"channels": [{**good["channels"][0], "count": 0}, *good["channels"][1:]]},
        {"channels": [{**good["channels"][0], "count": 4}, *good["channels"][1:]]},
        {"channels": [{**good["channels"][0], "moves": "spin"}, *good["channels"][1:]]},
    ):
        assert checked_facts(recipe, {**good, **change}, len(data)) is None
    numbers = np.frombuffer(data, "<f4")
    for place, value in ((0, -1.0), (1, 0.0), (2, 3.0), (5, np.nan), (12, np.inf)):
        changed = numbers.copy()
        changed[place] = value
        assert not fits(changed.tobytes())
