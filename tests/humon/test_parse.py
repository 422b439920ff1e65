"""What the reader makes of correct text."""

from engine.humon import Kind, parse


def test_root_braces_may_be_left_out() -> None:
    document = parse("a: 1\nb: [2 3]", "f.hu")
    assert document.root.kind is Kind.DICT
    assert document.root["b"][1].text == "3"


def test_type_metatag_decorates_the_dict_it_stands_in() -> None:
    root = parse("[ { @type: mesh name: cube } { @type: model\n name: x }, ]", "f.hu").root
    assert [child.type for child in root] == ["mesh", "model"]
