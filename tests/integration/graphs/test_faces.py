"""faces.yaml: a real video through a real detector, in three processes."""

import re

import pytest

pytestmark = pytest.mark.vision
pytest.importorskip("cv2")

FACE = re.compile(r"at +([\d.]+) s: face ([\d.]+), (\d+) x (\d+) pixels at \((-?\d+), (-?\d+)\)")
TOTAL = re.compile(r"a face in (\d+) of (\d+) frames")
WIDTH, HEIGHT, FRAMES = 176, 144, 120


ONCE = ("faces", "--set", "nodes.camera.params.loops=1", "--set", "nodes.tally.params.every=1")


@pytest.fixture(scope="module")
def run(run_graph):
    """The video plays once; every face is printed."""
    return run_graph(*ONCE)


def looked_at(run):
    """How many frames the detector looked at, and in how many of them it found a face."""
    (line,) = run.lines_with("a face in")
    with_face, frames = TOTAL.fullmatch(line.strip()).groups()
    return int(frames), int(with_face)


def test_a_face_is_found_in_at_least_95_percent_of_the_frames(run):
    assert run.exit_code == 0, run.lines
    frames, with_face = looked_at(run)
    assert frames > 0
    assert with_face >= 0.95 * frames
    faces = [FACE.search(line) for line in run.lines if FACE.search(line)]
    assert len(faces) == run.edge("detections", "detect", "tally")["delivered"] >= with_face
    for face in faces:
        confidence, width, height, x, y = map(float, face.groups()[1:])
        assert 0.7 <= confidence <= 1.0
        assert 20 <= width <= WIDTH and 20 <= height <= HEIGHT
        assert 0 <= x + width / 2 <= WIDTH and 0 <= y + height / 2 <= HEIGHT


def test_every_frame_is_accounted_for(run):
    frames, _ = looked_at(run)
    assert run.report["topics"]["camera.rgb"]["published"] == FRAMES
    edge = run.edge("camera.rgb", "camera", "detect")
    assert edge["delivered"] + edge["lost"] + edge["superseded"] + edge["in_flight"] == FRAMES
    assert run.edge("faces.frame", "detect", "tally")["delivered"] == frames <= edge["delivered"]
    assert all(edge["balanced"] for edge in run.edges())


def test_releases_that_pass_while_it_looks_at_a_frame_are_skipped_and_counted(run_graph):
    """At 1 kHz every frame takes longer than a period, so each leaves out a release at the least."""
    run = run_graph(*ONCE, "--set", "nodes.detect.rate=1000")
    frames, with_face = looked_at(run)
    assert frames > 0
    assert with_face >= 0.95 * frames
    detect = run.report["nodes"]["detect"]
    assert detect["skipped"] >= frames
    assert detect["ticks"] >= frames
