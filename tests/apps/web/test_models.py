def test_limits_are_told_to_pages(serving):
    with serving(keep_s=120, live_fps=4, max_upload=1000) as client:
        told = client.get("/api/v1/models").json()
    assert (told["keep_s"], told["live_fps"], told["max_upload"]) == (120, 4, 1000)
