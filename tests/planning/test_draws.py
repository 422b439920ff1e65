"""Claims about draw lists: batches, groups and instances."""

import numpy as np

from engine.planning.draws import BATCH, build_draws


def batches(*rows: tuple[int, int, int]) -> np.ndarray:
    """Batches of (pipeline, descriptors, index_count), all in the same buffers."""
    result = np.zeros(len(rows), BATCH)
    for i, (pipeline, descriptors, count) in enumerate(rows):
        result[i]["pipeline"], result[i]["descriptors"], result[i]["index_count"] = (
            pipeline,
            descriptors,
            count,
        )
        result[i]["ready"] = True
    return result


def test_rows_of_one_batch_become_one_command_with_many_instances():
    rows = np.arange(5)
    drawn = build_draws(rows, rows + 10, np.zeros(5, int), batches((0, 0, 36)))
    assert len(drawn.commands) == 1
    assert drawn.commands[0]["instance_count"] == 5
    assert drawn.triangles == 60
    assert drawn.instances.tolist() == [[i, i + 10] for i in range(5)]


def test_batches_of_one_pipeline_and_set_share_a_call():
    table = batches((0, 0, 3), (1, 0, 6), (0, 0, 9))
    drawn = build_draws(np.arange(4), np.zeros(4, int), np.array([2, 0, 1, 2]), table)
    assert [(g.pipeline, g.first, g.count) for g in drawn.groups] == [(0, 0, 2), (1, 2, 1)]
    assert drawn.commands["first_instance"].tolist() == [0, 1, 3]
    covered = [
        drawn.instances[c["first_instance"] : c["first_instance"] + c["instance_count"], 0].tolist()
        for c in drawn.commands
    ]
    assert {c["index_count"]: rows for c, rows in zip(drawn.commands, covered, strict=True)} == {
        3: [1],
        9: [0, 3],
        6: [2],
    }


def test_a_batch_that_is_not_ready_draws_nothing():
    table = batches((0, 0, 3), (0, 0, 6))
    table[0]["ready"] = False
    drawn = build_draws(np.arange(3), np.zeros(3, int), np.array([0, 1, 0]), table)
    assert drawn.commands["index_count"].tolist() == [6]
    assert drawn.instances[:, 0].tolist() == [1]


def test_without_drawn_rows_the_list_is_empty():
    drawn = build_draws(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0, BATCH))
    assert (len(drawn.commands), drawn.groups, drawn.triangles) == (0, (), 0)
