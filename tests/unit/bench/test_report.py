import io
import json

from rich.console import Console

from horus_runner.bench.measure import Conditions, Timing
from horus_runner.bench.report import BenchReport, Row, render

CONDITIONS = Conditions("Some Processor", 2, "6.1", "3.11.7", "2.4.6", 0.25, 3.0, 0.1)
TIMING = Timing(p50_ns=250.0, best_ns=200.0, p90_ns=400.0, count=100)
REPORT = BenchReport(
    CONDITIONS,
    (
        Row("np.from_dlpack(img)", TIMING, document_us=1.1, document_per_s=3_500_000),
        Row("8 bytes, one way", TIMING, limit=Timing(6_200.0, 5_000.0, 9_000.0, 500), limit_is="a bare futex"),
    ),
)


def test_json_has_microseconds_and_none_for_what_was_not_measured():
    plain = json.loads(json.dumps(REPORT.to_dict()))
    assert plain["machine"]["processor"] == "Some Processor"
    dlpack, one_way = plain["rows"]
    assert dlpack == {
        "name": "np.from_dlpack(img)",
        "p50_us": 0.25,
        "best_us": 0.2,
        "p90_us": 0.4,
        "samples": 100,
        "per_s": 4_000_000,
        "document_us": 1.1,
        "document_per_s": 3_500_000,
        "limit_us": None,
        "limit_best_us": None,
        "limit_is": None,
    }
    assert one_way["document_us"] is None
    assert (one_way["limit_us"], one_way["limit_best_us"], one_way["limit_is"]) == (6.2, 5.0, "a bare futex")


def test_table_shows_each_row_beside_the_page_and_the_limit():
    screen = io.StringIO()
    Console(file=screen, width=120, no_color=True).print(render(REPORT))
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert lines[0] == CONDITIONS.sentence
    (dlpack,) = [line for line in lines if line.startswith("np.from_dlpack(img)")]
    assert dlpack.split()[1:] == ["0.25", "us", "0.20", "us", "0.40", "us", "4,000,000", "1.1", "us", "3,500,000"]
    (one_way,) = [line for line in lines if line.startswith("8 bytes, one way")]
    assert one_way.split()[-2:] == ["6.20", "us"]
    assert any("limit of 8 bytes, one way: a bare futex" in line for line in lines)
