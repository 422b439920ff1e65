"""What is reported of assets whose database is not there: once where it may be missing, else for each use."""

from .conftest import ASSETS
from .test_load import problems, tableau_of

USES = (
    "o: { features: [ { @type: visibleModel  asset: [other 0] } { @type: shadowCaster  asset: [other 1] } ] }"
)


def test_what_a_missing_include_may_have_is_reported_once(load):
    (problem,) = problems(load, "include: [missing.hu]\n" + tableau_of(USES))
    assert problem.code == "file.missing"


def test_assets_without_any_database_are_reported_once_with_what_to_include(load):
    (problem,) = problems(load, tableau_of(USES))
    assert (problem.code, problem.message) == ("asset.reference", "there is no assetDb 'other'")
    assert "include: [NAME.assets.hu]" in problem.help


def test_each_use_of_a_database_that_no_file_has_is_reported_with_those_there_are(load, write):
    write(ASSETS, "scenes/b.hu")
    found = problems(load, "include: [b.hu]\n" + tableau_of(USES))
    assert [each.code for each in found] == ["asset.reference"] * 2
    assert all("known: " in each.help for each in found)
