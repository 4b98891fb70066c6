from mien_lab.evaluation.charts import risk_chart


def test_cases_that_are_all_as_sure_as_each_other_are_drawn():
    chart = risk_chart({"risk_coverage": [[1.0, 0.25]]})
    assert chart.count('class="dot"') == 1
    assert "dot" not in risk_chart({"risk_coverage": [[0.5, 0.0], [1.0, 0.25]]})
    assert "dot" not in risk_chart({"risk_coverage": []})
