"""What counts as the same row of two reports."""

from same_numbers import compare


def test_a_row_more_or_another_order_changes_no_other_row():
    rows = [
        {"layer": "fc.1", "node": node, "level": level, "score": node + 0.25} for node in range(3) for level in (0, 1)
    ]
    more = [{"layer": "fc.1", "node": 9, "level": 0, "score": 0.5}, *reversed(rows)]
    found = compare({"interventions": rows}, {"interventions": more}, {})
    assert (found.equal, len(found.changed), len(found.only_before), len(found.only_after)) == (18, 0, 0, 3)


def test_a_changed_number_is_found_in_whatever_order():
    rows = [{"layer": "a", "score": 0.5}, {"layer": "b", "score": 0.7}]
    found = compare(rows, [{"layer": "b", "score": 0.6}, rows[0]], {})
    assert list(found.changed.values()) == [(0.7, 0.6)]


def test_rows_that_do_not_say_what_they_are_of_keep_their_places():
    assert compare([{"weight": 1.0}, {"weight": 2.0}], [{"weight": 2.0}, {"weight": 1.0}], {}).equal == 0
