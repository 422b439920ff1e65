"""Claims about finding features: modules, entry points, and failures of single modules."""

import os
import subprocess
import sys

import pytest

from engine.feature import Feature, Registry, asset_field, discover, float_field
from engine.feature.contract import _DECLARED
from engine.feature.registry import _installed_features
from engine.graph import DeclarationError
from engine.humon import Severity, misspelt


class Alpha(Feature):
    """The first."""

    type_name = "alpha"
    fields = (float_field("power", 1.0),)


class Helper(Feature):
    """No type name: a base for others."""


class Beta(Alpha):
    """Inherits the fields of alpha."""

    type_name = "beta"
    requires = ("alpha",)


def test_features_are_found_by_type_name_in_the_order_of_names():
    registry = Registry([Beta(), Alpha()])
    assert list(registry) == ["alpha", "beta"]
    assert registry["beta"].schema.requires == ("alpha",)
    assert registry["beta"].schema.by_name.keys() == {"power"}
    assert registry["alpha"].schema.help == "The first."
    assert registry.nearest("alhpa") == "alpha"
    assert registry.nearest("quite else") is None


def test_two_features_of_one_name_are_refused_naming_both_origins():
    registry = Registry()
    registry.register(Alpha(), "one")
    with pytest.raises(ValueError, match="in one and in two"):
        registry.register(Alpha(), "two")


def test_a_feature_that_requires_itself_is_refused_when_the_class_is_created():
    with pytest.raises(ValueError, match="requires itself"):
        type("Loop", (Feature,), {"type_name": "loop", "requires": ("loop",)})


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"type_name": 3}, "type_name of Plug is 3, not text"),
        ({"requires": "camera"}, "requires of Plug is 'camera', not a tuple"),
        ({"conflicts": (3,)}, "conflicts of Plug is 3, not text"),
        ({"at_most": "two"}, "at_most of Plug is 'two', not a whole number"),
        ({"asset_db": 3}, "asset_db of Plug is 3, not text"),
        ({"asset_db": "../../etc/passwd"}, "asset_db of Plug is '../../etc/passwd'"),
        ({"asset_db": "/etc/passwd"}, "asset_db of Plug is '/etc/passwd'"),
        ({"fields": ("a",)}, "fields of Plug is 'a', not a FieldSpec"),
        ({"fields": float_field("a", 1.0)}, "fields of Plug is FieldSpec.*, not a tuple"),
        ({"fields": (asset_field("a", types=("texure",)),)}, "a of Plug takes assets of the type 'texure'"),
        ({"draws_as": None}, "draws_as of Plug is None, not text"),
        ({"buffers": "lights"}, "buffers of Plug is 'lights', not a tuple"),
        ({"shaders": ["a.fs"]}, "shaders of Plug is .*, not a Mapping"),
        ({"in_every_frame": "yes"}, "in_every_frame of Plug is 'yes', not True or False"),
    ],
)
def test_a_class_that_declares_something_of_a_wrong_type_is_refused_with_a_hint(declared, message):
    with pytest.raises(DeclarationError, match=message) as raised:
        type("Plug", (Feature,), {"type_name": "plug", **declared})
    assert raised.value.help


@pytest.mark.parametrize(
    ("shaders", "message"),
    [
        ({"a.fs": 3}, "the shader a.fs of plug of here is 3, not text"),
        ({3: "a"}, "plug of here has a shader 3, not NAME.vs"),
        ({"a.glsl": "a"}, "plug of here has a shader 'a.glsl', not NAME.vs"),
        (property(lambda self: None), "what `shaders` returns is None, not a mapping"),
    ],
)
def test_shaders_that_are_no_texts_are_refused_when_the_feature_is_registered(shaders, message):
    plug = type("Plug", (Feature,), {"type_name": "plug", "shaders": shaders})
    with pytest.raises(DeclarationError, match=message) as raised:
        Registry().register(plug(), "here")
    assert raised.value.help


def test_a_package_that_exits_where_it_is_imported_costs_itself_alone(tmp_path, monkeypatch):
    install(tmp_path, "leaving", "import sys\nsys.exit(3)\n", "leaving = leaving\n")
    install(tmp_path, "staying", FEATURE.format("Staying", "staying"), "all = staying\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry()
    registry.load_entry_points()
    assert list(registry) == ["staying"]
    (problem,) = registry.problems
    assert "SystemExit: 3" in problem.message
    assert (problem.position.file, problem.position.line) == (str(tmp_path / "leaving.py"), 2)


def test_a_feature_that_cannot_be_loaded_is_reported_at_its_line_with_what_to_declare(tmp_path, monkeypatch):
    install(tmp_path, "strict", STRICT, "strict = strict\n")
    install(tmp_path, "broken", "x = 1\n\nclass :\n", "broken = broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry()
    registry.load_entry_points()
    broken, strict = registry.problems
    assert (broken.position.file, broken.position.line) == (str(tmp_path / "broken.py"), 3)
    assert (strict.position.file, strict.position.line) == (str(tmp_path / "strict.py"), 3)
    assert "requires of Strict is 'camera', not a tuple" in strict.message
    assert "DeclarationError" not in strict.message
    assert strict.help.startswith("write a tuple: ")


STRICT = """from engine.feature import Feature

class Strict(Feature):
    type_name = "strict"
    requires = "camera"
"""


def test_a_module_registers_the_features_it_defines_and_none_it_imports():
    registry = Registry()
    registry.register_module(sys.modules[__name__])
    assert list(registry) == ["alpha", "beta"]


def test_a_broken_module_does_not_affect_the_others_of_its_package(tmp_path, monkeypatch):
    package = tmp_path / "somefeatures"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "good.py").write_text(
        "from engine.feature import Feature\nclass Good(Feature):\n    type_name = 'good'\n"
    )
    (package / "bad.py").write_text("raise RuntimeError('broken on import')\n")
    (package / "_helper.py").write_text("raise RuntimeError('never imported')\n")
    (package / "more").mkdir()
    (package / "more" / "__init__.py").write_text("")
    (package / "more" / "inner.py").write_text(FEATURE.format("Inner", "inner"))
    (package / "more" / "_helper.py").write_text("raise RuntimeError('never imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover("somefeatures")
    assert list(registry) == ["good", "inner"]
    (problem,) = registry.problems
    assert problem.code == "feature.load"
    assert "somefeatures.bad" in problem.message
    assert "broken on import" in problem.message


def install(folder, name, code, points):
    """Write a package to disk as an installer does."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[diorama.features]\n" + points)


FEATURE = "from engine.feature import Feature\nclass {0}(Feature):\n    type_name = '{1}'\n"


def test_features_of_installed_packages_are_found_by_entry_point(tmp_path, monkeypatch):
    registry = Registry()
    registry.load_entry_points()
    assert list(registry) == []
    install(tmp_path, "gammas", FEATURE.format("Gamma", "gamma"), "gamma = gammas:Gamma\n")
    install(tmp_path, "deltas", FEATURE.format("Delta", "delta"), "all = deltas\n")
    install(tmp_path, "broken", "raise OSError('no')\n", "gone = broken\nodd = math:pi\nlost = missing_one\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.load_entry_points()
    assert list(registry) == ["delta", "gamma"]
    assert [problem.code for problem in registry.problems] == ["feature.load"] * 3
    reported = " ".join(problem.message for problem in registry.problems)
    assert "gone = broken" in reported
    assert "odd = math:pi" in reported
    assert "missing_one" in reported


def test_a_package_that_is_installed_beside_others_is_found_from_then_on(tmp_path, monkeypatch):
    (tmp_path / "plain-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not _installed_features()
    (tmp_path / "other-1.0.dist-info").mkdir()
    assert not _installed_features()
    (tmp_path / "other-1.0.dist-info" / "entry_points.txt").write_text("[diorama.features]\nother = other\n")
    assert _installed_features()


def test_a_class_whose_fields_are_replaced_has_a_record_of_the_new_ones():
    class Changed(Feature):
        type_name = "changed"
        fields = (float_field("first", 1.0),)

    assert Changed().schema is Changed().schema
    Changed.fields = (float_field("second", 1.0),)
    assert [field.name for field in Changed().schema.fields] == ["second"]


def test_features_come_in_the_order_in_which_they_were_installed_behind_built_in_ones(tmp_path, monkeypatch):
    for name, seconds in (("young", 3_000), ("aged", 2_000), ("zoom", 1_000)):
        install(tmp_path, name, FEATURE.format(name.title(), name), f"{name} = {name}\n")
        info = tmp_path / f"{name}-1.0.dist-info"
        (info / "RECORD").write_text(f"{info.name}/METADATA,,\n{info.name}/entry_points.txt,,\n")
        os.utime(info / "entry_points.txt", (seconds, seconds))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover()
    assert registry.problems == []
    ages = {name: registry.age(name) for name in registry}
    assert sorted(ages, key=ages.__getitem__)[-3:] == ["zoom", "aged", "young"]


def test_a_feature_that_requires_an_unknown_one_is_reported():
    registry = Registry([Beta()])
    registry.check_references()
    (problem,) = registry.problems
    assert "beta requires alpha" in problem.message


def test_the_features_that_ship_are_found_without_vulkan():
    code = """
import sys
from engine.feature import discover
found = discover()
assert found.problems == [], found.problems
assert {"visibleModel", "shadowCaster", "camera", "light"} <= set(found)
assert found["shadowCaster"].schema.draws_as == "visibleModel"
assert not {"vulkan", "glfw", "imgui_bundle", "pyrr", "PIL"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


ASSET = 'asset_field("asset", types=("model",), optional=True)'
WRONG_MEMBERS = {
    "type_name": {'type_name = "my-plug"': "letters, digits and _"},
    "requires": {
        'requires = ("noSuchThing",)': "known: ",
        'requires = ("camara",)': "did you mean 'camera'?",
        'requires = ("plug",)': "`requires` names other features",
    },
    "conflicts": {
        'conflicts = ("plug",)': "`conflicts` names other features",
        'requires, conflicts = ("spin",), ("spin",)': "leave it out of one of the two",
    },
    "at_most": {"at_most = -1": "0 for any number"},
    "asset_db": {"asset_db = 3": "a Feature has asset_db: str"},
    "fields": {
        'fields = (float_field("a", 1.0), float_field("a", 2.0))': "a name of its own",
        'fields = (float_field("a", 5.0, maximum=1.0),)': "declare the field otherwise: help(engine.tableau",
        'fields = (choice_field("a", "b", choices=()),)': "declare the field otherwise: help(engine.tableau",
        'fields = (asset_field("asset", types=()),)': 'give types, as ("mesh", "model")',
    },
    "draws_as": {
        f'draws_as, fields = "plug", ({ASSET},)': "`draws_as` names another feature",
        f'draws_as, fields = "visibleModle", ({ASSET},)': "did you mean 'visibleModel'?",
        'draws_as = "visibleModel"': "declare one, as asset_field(",
        f'draws_as, fields = "camera", ({ASSET},)': "name a feature with a field for an asset",
        f'draws_as, fields = "skybox", ({ASSET},)': "let asset take that type, too",
    },
    "absent": {"absent = True": "a Feature has absent: str"},
    "buffers": {
        'buffers = ("one", "one")': "a name of its own",
        'buffers = ("lights",)': "give it another name",
        'buffers = ("frame",)': "give it another name",
        'buffers = ("my rows",)': "the name of a block in shaders",
    },
    "shaders": {'shaders = {"a.glsl": ""}': "NAME.vs, NAME.fs or NAME.cs"},
    "instead": {'instead = "skybox"': "write a tuple"},
    "bends": {
        'bends = ("visibleModel",)': 'declare the field text_field("bones", names=Names.OBJECT)',
        'bends, fields = ("visibleModel",), (float_field("bones", 1.0),)': 'text_field("bones"',
        'bends, fields = ("visibleModel",), (text_field("bones"),)': "give these objects a skin feature",
    },
    "morphs": {
        'morphs = ("visibleModel",)': 'declare the field numbers_field("weights")',
        'morphs, fields = ("visibleModel",), (text_field("weights", "x"),)': 'numbers_field("weights")',
        'morphs, fields = ("visibleModel",), (numbers_field("weights"),)': "give these objects a morph",
    },
    "in_every_frame": {"in_every_frame = 1": "a Feature has in_every_frame: bool"},
}
"""For each member of a feature, declarations that are impossible, with a part of their hints."""

PLUG = """from engine.feature import *

class Plug(Feature):
    type_name = "plug"
    {}
"""


def test_there_is_a_wrong_declaration_of_each_member():
    assert WRONG_MEMBERS.keys() == _DECLARED.keys()


@pytest.mark.parametrize(
    ("declared", "hint"), [case for cases in WRONG_MEMBERS.values() for case in cases.items()]
)
def test_a_wrong_declaration_is_reported_at_its_class_and_costs_that_feature_alone(
    declared, hint, tmp_path, monkeypatch
):
    install(tmp_path, "plugs", PLUG.format(declared), "plug = plugs\n")
    install(tmp_path, "staying", FEATURE.format("Staying", "staying"), "staying = staying\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "plugs", raising=False)
    monkeypatch.delitem(sys.modules, "staying", raising=False)
    usual = {*discover(), "staying"} - {"plug"}
    monkeypatch.delitem(sys.modules, "plugs", raising=False)
    registry = discover()
    (problem,) = registry.problems
    assert (problem.code, problem.severity) == ("feature.load", Severity.WARNING)
    assert hint in problem.help
    assert problem.position.file == str(tmp_path / "plugs.py")
    assert problem.position.line in (3, 5)  # of the class, or where one of its fields is declared
    assert set(registry) == usual
    assert "plug" not in {feature.type_name for feature in registry.buffers.values()}
    assert [name for name in registry if registry[name].bends] == ["skin"]
    assert [name for name in registry if registry[name].morphs] == ["morph"]


def test_features_that_draw_as_or_require_each_other_are_refused(tmp_path, monkeypatch):
    one = f'type_name, draws_as, fields = "one", "two", ({ASSET},)'
    two = f'type_name, draws_as, fields = "two", "three", ({ASSET},)'
    three = f'type_name, draws_as, fields = "three", "one", ({ASSET},)'
    needs = ['type_name, requires = "four", ("five",)', 'type_name, requires = "five", ("four",)']
    for name, declared in zip(("m1", "m2", "m3", "m4", "m5"), (one, two, three, *needs), strict=True):
        install(
            tmp_path, name, PLUG.format("pass").replace('type_name = "plug"', declared), f"{name} = {name}\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover()
    assert not {"one", "two", "three", "four", "five"} & set(registry)
    messages = [problem.message for problem in registry.problems]
    assert "three draws as one, which draws as two, which draws as three" in messages[0].replace(" of m3", "")
    assert "five requires four, which requires five" in messages[1].replace(" of m5", "")
    assert len(messages) == 5
    assert all(problem.position is not None for problem in registry.problems)


def test_a_feature_of_a_module_that_cannot_be_added_leaves_the_others_of_it(tmp_path, monkeypatch):
    code = FEATURE.format("Camera", "camera") + FEATURE.format("Beside", "beside")
    install(tmp_path, "mixed", code, "mixed = mixed\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover()
    (problem,) = registry.problems
    assert "'camera' is defined in features.camera and in mixed" in problem.message
    assert (problem.position.file, problem.position.line) == (str(tmp_path / "mixed.py"), 2)
    assert "beside" in registry


def test_a_property_in_place_of_a_member_is_looked_at_when_the_feature_is_registered():
    plug = type("Plug", (Feature,), {"type_name": "plug", "bends": property(lambda self: ("visibleModel",))})
    with pytest.raises(DeclarationError, match="it has no field 'bones'"):
        Registry([plug()])


def test_features_that_can_never_be_on_one_object_with_what_they_require_are_refused():
    class Moon(Feature):
        type_name = "moon"
        conflicts = ("tide",)

    class Tide(Feature):
        type_name = "tide"
        requires = ("moon",)

    registry = Registry([Moon(), Tide()])
    registry.check_references()
    assert list(registry) == ["moon"]
    assert "tide requires moon, which conflicts with tide" in registry.problems[0].message


@pytest.mark.parametrize("member", ["conflicts", "instead"])
@pytest.mark.parametrize(
    ("name", "near"),
    [("camara", "camera"), ("Camera", "camera"), ("visibelModle", "visibleModel"), ("lihgt", "light")],
)
def test_a_name_that_is_nearly_that_of_an_installed_feature_is_a_warning_and_costs_nothing(
    member, name, near, tmp_path, monkeypatch
):
    install(tmp_path, "plugs", PLUG.format(f"{member} = ({name!r},)"), "plug = plugs\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "plugs", raising=False)
    registry = discover()
    (problem,) = registry.problems
    assert (problem.code, problem.severity) == ("feature.name", Severity.WARNING)
    assert problem.message == f"plug of plugs names {name} in `{member}`, and no feature is called so"
    assert problem.help.startswith(f"did you mean '{near}'?")
    assert (problem.position.file, problem.position.line) == (str(tmp_path / "plugs.py"), 3)
    assert "plug" in registry


def test_a_name_of_an_own_or_of_a_lost_feature_is_no_misspelt_one(tmp_path, monkeypatch):
    night = PLUG.format('type_name, conflicts = "nights", ("night", "camera", "broken")')
    install(tmp_path, "nights", night, "nights = nights\n")
    install(tmp_path, "broken", 'x = y\nclass Broken:\n    type_name = "broken"\n', "some = broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover()
    assert [problem.code for problem in registry.problems] == ["feature.load"]
    assert "nights" in registry
    assert registry.lost.keys() == {"some", "broken"}


def test_the_features_in_all_modules_of_a_package_that_cannot_be_imported_are_lost(tmp_path, monkeypatch):
    package = tmp_path / "frosts"
    package.mkdir()
    (package / "__init__.py").write_text("from frosts.main import Frost\n")
    (package / "main.py").write_text(FEATURE.format("Frost", "frost") + "raise OSError\n")
    info = tmp_path / "frosts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: frosts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[diorama.features]\ncold = frosts.main:Frost\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry()
    registry.load_entry_points()
    (problem,) = registry.problems
    assert registry.lost == {"cold": problem, "frost": problem}
    (info / "entry_points.txt").write_text("[diorama.features]\ncold = frosts\n")
    registry = Registry()
    registry.load_entry_points()
    assert registry.lost.keys() == {"cold", "frost"}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("fog", "frog", False),  # too short to say
        ("fog", "Fog", True),
        ("fogs", "frogs", True),
        ("spni", "spin", True),
        ("spn", "spin", False),
        ("night", "light", False),
        ("shadow", "localShadow", False),
        ("skybox", "reticle", False),
        ("shadowcastre", "shadowCaster", True),
        ("shadwcastre", "shadowCaster", True),
        ("shdwcastre", "shadowCaster", False),
    ],
)
def test_names_are_misspelt_by_a_letter_or_two_where_they_are_long(one, other, alike):
    assert misspelt(one, ["unlike", other]) == (other if alike else None)


def test_what_requires_a_feature_that_could_not_be_loaded_is_said_to_and_names_no_others(
    tmp_path, monkeypatch
):
    install(tmp_path, "first", PLUG.format('type_name, at_most = "first", -1'), "first = first\n")
    install(
        tmp_path, "second", PLUG.format('type_name, requires = "second", ("first",)'), "second = second\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover()
    _, second = registry.problems
    assert "second requires first, which could not be loaded" in second.message
    assert second.help.startswith("mend first")
    assert not {"first", "second"} & set(registry)


def test_names_in_conflicts_and_instead_may_be_of_features_that_are_not_installed():
    class Night(Feature):
        type_name = "night"
        conflicts = ("unheardOf",)
        instead = ("unheardOf",)

    registry = Registry([Night()])
    registry.check_references()
    assert list(registry) == ["night"]
    assert registry.problems == []
