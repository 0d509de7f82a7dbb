"""hello.yaml: two processes, one topic, an end of its own."""


def test_listener_prints_what_the_talker_says_and_ends_the_graph(run_graph):
    run = run_graph("hello")
    assert run.exit_code == 0, run.lines
    assert run.lines_with("hello, number") == [f"hello, number {n}" for n in range(1, 6)]


def test_report_accounts_for_every_message(run_graph):
    run = run_graph("hello", "--set", "nodes.listener.params.enough=8")
    edge = run.edge("hello", "talker", "listener")
    assert edge["balanced"]
    assert edge["lost"] == edge["superseded"] == 0
    assert edge["delivered"] >= 8
    assert edge["delivered"] + edge["in_flight"] == run.report["topics"]["hello"]["published"]
    assert run.report["nodes"]["talker"]["ticks"] == run.report["topics"]["hello"]["published"]
