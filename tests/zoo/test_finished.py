"""Rows of finished work outlive a kill."""

from zoo.finished import add_finished, read_finished


def test_rows_come_back_in_order(tmp_path):
    file = tmp_path / "new" / "rows.jsonl"
    assert read_finished(file) == []
    rows = [{"seed": seed, "name": "weiß"} for seed in range(3)]
    for row in rows:
        add_finished(file, row)
    assert read_finished(file) == rows


def test_a_row_that_was_cut_off_is_made_again_and_spoils_no_other(tmp_path):
    file = tmp_path / "rows.jsonl"
    for seed in range(2):
        add_finished(file, {"seed": seed})
    file.write_bytes(file.read_bytes()[:-4])  # killed within the second line
    assert read_finished(file) == [{"seed": 0}]
    add_finished(file, {"seed": 1})
    assert read_finished(file) == [{"seed": 0}, {"seed": 1}]
