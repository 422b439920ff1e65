"""Claims about members of blocks: each ends within its block, and an array has a stride."""

from __future__ import annotations

import pytest

from engine.assets import Member
from engine.planning.draw.interfaces import _member_faults


@pytest.mark.parametrize(
    ("member", "size", "is_fault"),
    [
        (Member("eye", 0, 16, "vec4"), 16, False),
        (Member("eye", 0, 16, "vec4"), 15, True),
        (Member("eye", 16, 16, "vec4"), 32, False),
        (Member("eye", 17, 16, "vec4"), 32, True),
        (Member("lights", 0, 64, "vec4", 4, 16), 64, False),
        (Member("lights", 16, 64, "vec4", 4, 16), 64, True),
        (Member("lights", 0, 8, "vec4", 5, 16), 64, False),
        (Member("lights", 0, 8, "vec4", 5, 16), 63, True),
        (Member("lights", 0, 64, "vec4", 4, 0), 64, True),
        (Member("lights", 0, 64, "vec4", 1, 0), 64, False),
        (Member("eye", 0, 16, "dvec2"), 16, True),
        (Member("eye", 0, 16, ""), 16, True),
    ],
)
def test_a_member_is_of_numbers_and_ends_within_its_block(member: Member, size: int, is_fault: bool):
    found = list(_member_faults((Member("first", 0, 4, "float"), member), size, "frame", "a shader"))
    assert [fault.message for fault in found] == [
        f"a shader has '{member.name}' in the block 'frame' as {member.type or 'a struct'}"
    ] * is_fault
