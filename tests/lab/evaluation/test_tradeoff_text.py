from mien_lab.evaluation.tradeoff_text import closing_sentence


def test_a_gain_and_a_loss_are_told_apart():
    def row(balancing, accuracy):
        return {
            "balancing": balancing,
            "left": {"value": 0.03, "interval": [0.01, 0.05]},
            "change": {"value": -0.02, "interval": [-0.03, -0.01]},
            "accuracy": accuracy,
        }

    loss = {"value": -0.004, "interval": [-0.01, 0.002]}
    nothing = {"value": 0.0001, "interval": [-0.0101, 0.0202]}
    rows = [row("weights", loss), row("sampling", nothing)]
    said = closing_sentence({"gap": True, "column": "light", "closing": rows})
    assert said == (
        "Balanced by light at full strength, weights leave 3.0 points of it (-2.0, -3.0 to -1.0) "
        "and cost 0.4 points of accuracy (-0.2 to 1.0); sampling leaves 3.0 points of it (-2.0, "
        "-3.0 to -1.0) and costs 0.0 points of accuracy (-2.0 to 1.0); in brackets 95 % intervals."
    )
    assert closing_sentence({"gap": None}) == ""
