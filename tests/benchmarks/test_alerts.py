"""What the benchmark of alerts counts as found."""

import alerts


def row(planted, raised, **facts):
    shares = {"dead": 0.0, "one-sided": 0.0, "duplicate": 0.0, "saturated": 0.0} | facts
    return {"fault": "a", "planted": planted, "facts": shares, "gap": None, "raised": raised}


def test_either_of_two_alerts_is_found_where_both_are_meant():
    found = alerts.rates([row("at-chance or poor", ["poor-fit"]), row("at-chance or poor", [])])
    assert (found["at-chance"]["planted"], found["at-chance"]["found"]) == (2, 1)


def test_a_further_fault_is_not_found_by_the_alert_of_the_planted_one():
    """Its columns in another order, a network has dead nodes too: at-chance says nothing of them."""
    found = alerts.rates([row("at-chance or poor", ["at-chance"], dead=0.5), row("dead", ["dead"], dead=0.5)])
    assert (found["dead"]["planted"], found["dead"]["found"]) == (2, 1)
