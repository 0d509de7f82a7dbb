"""Every code block of the zero-copy page runs as it stands there, in a plain script without a main guard.

The blocks are quoted to the letter. Around each, in the same script, stand a node that feeds it and one that collects
what it sends; stand-ins are given for `model`, `process_output` and, where there is none, "cuda".
"""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

DEADLINE_S = 60

IMAGE_TO_NUMPY = """\
import horus
import numpy as np

def detect_tick(node):
    img = node.recv("camera.rgb")
    if img is None:
        return

    # Zero-copy — returns a numpy view backed by shared memory
    frame = img.to_numpy()  # shape: (480, 640, 3), dtype: uint8
    # ~3μs — no data movement

    # Or use DLPack for maximum performance
    frame = np.from_dlpack(img)  # ~1.1μs — true zero-copy

    # Process with numpy/OpenCV
    mean_brightness = frame.mean()
    node.send("brightness", {"value": float(mean_brightness)})
"""

COPIES_PROCESS_IMMEDIATELY = """\
# SAFE: process immediately, don't hold across ticks
def tick(node):
    img = node.recv("camera")
    if img:
        result = model.predict(img.to_numpy())  # Used immediately, no copy needed
"""

COPIES_HOLD_THE_VIEW = """\
# UNSAFE: holding reference across ticks
stored_frame = None
def tick(node):
    global stored_frame
    img = node.recv("camera")
    if img:
        stored_frame = img.to_numpy()  # BAD — will be overwritten on next recv()
"""

COPIES_HOLD_A_COPY = """\
# SAFE: copy if you need to hold it
def tick(node):
    global stored_frame
    img = node.recv("camera")
    if img:
        stored_frame = img.to_numpy().copy()  # OK — owned copy
"""

WHEN_COPIES_HAPPEN = f"{COPIES_PROCESS_IMMEDIATELY}\n{COPIES_HOLD_THE_VIEW}\n{COPIES_HOLD_A_COPY}"

IMAGE_TO_PYTORCH = """\
import torch

def inference_tick(node):
    img = node.recv("camera.rgb")
    if img is None:
        return

    # Zero-copy to PyTorch tensor via DLPack
    tensor = torch.from_dlpack(img)  # (H, W, C) uint8 on CPU

    # Move to GPU for inference
    tensor = tensor.permute(2, 0, 1).unsqueeze(0).float() / 255.0
    tensor = tensor.to("cuda")

    with torch.no_grad():
        output = model(tensor)

    node.send("predictions", process_output(output))
"""

POINTCLOUD_TO_NUMPY = """\
def lidar_tick(node):
    cloud = node.recv("lidar.points")
    if cloud is None:
        return

    # Zero-copy to numpy — shape depends on point type
    points = cloud.to_numpy()
    # XYZ: shape (N, 3), dtype float32
    # XYZI: shape (N, 4), dtype float32
    # XYZRGB: shape (N, 6), dtype float32

    # Filter points within 5m range
    distances = np.linalg.norm(points[:, :3], axis=1)
    nearby = points[distances < 5.0]

    node.send("nearby_points", {"count": len(nearby)})
"""

DEPTHIMAGE_TO_NUMPY = """\
def depth_tick(node):
    depth = node.recv("camera.depth")
    if depth is None:
        return

    # Zero-copy — shape (H, W), dtype float32 (meters)
    depth_map = depth.to_numpy()

    # Find closest obstacle
    valid = depth_map[depth_map > 0]
    if len(valid) > 0:
        min_dist = valid.min()
        node.send("closest", {"distance_m": float(min_dist)})
"""

COMPLETE_ML_PIPELINE = """\
import horus
import numpy as np

def detect_tick(node):
    img = node.recv("camera.rgb")
    if img is None:
        return

    # Zero-copy to numpy (1.1μs via DLPack)
    frame = np.from_dlpack(img)

    # Run YOLO inference (~20-100ms)
    results = model.predict(frame)

    # Publish detections
    for r in results:
        node.send("detections", horus.Detection(
            class_id=r.class_id,
            class_name=r.class_name,
            confidence=float(r.confidence),
            bbox=horus.BoundingBox2D(
                x_min=r.x1, y_min=r.y1, x_max=r.x2, y_max=r.y2,
            ),
        ))

detector = horus.Node(
    name="yolo",
    subs=[horus.Image],
    pubs=[horus.Detection],
    tick=detect_tick,
    rate=30,
    compute=True,
    budget=50 * horus.ms,
    on_miss="skip",
)

horus.run(detector, tick_rate=100)
"""

# What surrounds a block: `make(n)` gives the n-th message for `topic_in`; `tick` is the block's own function; the
# collector writes the first ENOUGH messages of `topic_out` to the file named on the command line, and stops the graph.
AROUND = """
import json, pathlib, sys
numbers, collected = iter(range(1, 1_000_000)), []

def feed(node):
    node.send(topic_in, make(next(numbers)))

def collect(node):
    collected.extend(node.recv_all(topic_out))
    if len(collected) >= ENOUGH:
        pathlib.Path(sys.argv[1]).write_text(json.dumps(collected[:ENOUGH]))
        node.request_stop()

horus.run(
    horus.Node("feeder", tick=feed, pubs=[topic_in], rate=100),
    horus.Node("block", tick=tick, subs=[topic_in], pubs=[topic_out], rate=200),
    horus.Node("collector", tick=collect, subs=[topic_out], rate=100),
    duration=DEADLINE_S,
)
"""

HELD = """
held = []

def block_tick(node, unwatched=tick):
    unwatched(node)
    if stored_frame is not None and not any(frame is stored_frame for frame in held):
        held.append(stored_frame)
        ranges = [[int(frame.min()), int(frame.max())] for frame in held]
        node.send(topic_out, {"ranges": ranges, "writeable": stored_frame.flags.writeable})

tick = block_tick
"""


@pytest.fixture
def namespace(monkeypatch):
    """A `default` of the test's own, so that no other script on this machine is met."""
    monkeypatch.setenv("HORUS_NAMESPACE", f"blocks-{os.getpid()}")
    monkeypatch.setenv("HORUS_CHECK", "1")


@pytest.fixture
def run_block(tmp_path, namespace):
    """Run `parts` as one script to its end; the messages that its collector got."""

    def run(*parts, topics, make, enough=5):
        setting = f"topic_in, topic_out = {topics!r}\nENOUGH, DEADLINE_S = {enough}, {DEADLINE_S}\n"
        head = "import horus\nimport numpy as np\n"
        script, out = tmp_path / "script.py", tmp_path / "collected.json"
        script.write_text("\n".join([head, *parts, setting, textwrap.dedent(make), AROUND]))
        done = subprocess.run([sys.executable, script, out], capture_output=True, text=True, timeout=DEADLINE_S + 20)
        assert done.returncode == 0, done.stdout + done.stderr
        assert out.exists(), done.stdout + done.stderr
        return json.loads(out.read_text())

    return run


GRADIENT = """
def make(n):
    values = np.arange(n, n + 480 * 640 * 3) % 256
    return horus.Image.from_numpy(values.astype(np.uint8).reshape(480, 640, 3))
"""
UNIFORM = """
def make(n):
    return horus.Image.from_numpy(np.full((480, 640, 3), n % 256, np.uint8))
"""


def rising(values):
    """Whether frames numbered modulo 256 came in their order; a busy machine may lose some between them."""
    return bool((np.diff(values) % 256 > 0).all())


def test_image_to_numpy(run_block):
    got = run_block(IMAGE_TO_NUMPY, "tick = detect_tick", topics=("camera.rgb", "brightness"), make=GRADIENT)
    assert [message["value"] for message in got] == [127.5] * 5  # each value comes up as often as any other


def test_when_copies_happen_as_one_block(run_block):
    got = run_block(WHEN_COPIES_HAPPEN, HELD, topics=("camera", "held"), make=UNIFORM)
    assert got[-1]["writeable"]


def test_processed_immediately(run_block):
    stand_in = """
    class Model:
        def predict(self, frame):
            outer.send(topic_out, [int(frame.min()), int(frame.max()), frame.flags.writeable])
    model = Model()
    """
    with_node = "block_tick = tick\ndef tick(node):\n    global outer\n    outer = node\n    block_tick(node)\n"
    got = run_block(
        textwrap.dedent(stand_in), COPIES_PROCESS_IMMEDIATELY, with_node, topics=("camera", "seen"), make=UNIFORM
    )
    values = [low for low, _, _ in got]
    assert got == [[value, value, False] for value in values]
    assert rising(values)


@pytest.mark.parametrize("block", [COPIES_HOLD_THE_VIEW, COPIES_HOLD_A_COPY], ids=["view", "copy"])
def test_what_is_held_is_never_overwritten(run_block, block):
    """Also where the page says UNSAFE, and for more views than a subscriber may hold leases."""
    got = run_block("stored_frame = None", block, HELD, topics=("camera", "held"), make=UNIFORM, enough=40)
    assert got[-1]["writeable"] == (block is COPIES_HOLD_A_COPY)
    ranges = got[-1]["ranges"]
    assert len(ranges) == 40
    values = [low for low, _ in ranges]
    assert ranges == [[value, value] for value in values]
    assert rising(values)


def test_image_to_pytorch(run_block):
    torch = pytest.importorskip("torch")
    block = IMAGE_TO_PYTORCH if torch.cuda.is_available() else IMAGE_TO_PYTORCH.replace('"cuda"', '"cpu"')
    stand_ins = """
    def model(tensor):
        return tensor.shape, tensor.mean().item() * 255
    def process_output(output):
        return {"shape": list(output[0]), "mean": output[1]}
    """
    got = run_block(
        textwrap.dedent(stand_ins), block, "tick = inference_tick", topics=("camera.rgb", "predictions"), make=UNIFORM
    )
    assert all(message["shape"] == [1, 3, 480, 640] for message in got)
    means = [message["mean"] for message in got]
    assert means == pytest.approx([round(mean) for mean in means], abs=1e-2)
    assert rising(np.round(means))


@pytest.mark.parametrize("fields", [3, 4, 6])
def test_pointcloud_to_numpy(run_block, fields):
    make = f"""
    def make(n):
        points = np.random.default_rng(n).uniform(-5, 5, (2_000, {fields})).astype(np.float32)
        return horus.PointCloud.from_numpy(points)
    """
    got = run_block(POINTCLOUD_TO_NUMPY, "tick = lidar_tick", topics=("lidar.points", "nearby_points"), make=make)
    sent = (
        np.random.default_rng(n).uniform(-5, 5, (2_000, fields)).astype(np.float32) for n in range(1, 100 * DEADLINE_S)
    )
    near = (int((np.linalg.norm(points[:, :3], axis=1) < 5.0).sum()) for points in sent)
    assert all(message["count"] in near for message in got)  # in this order, if not one after the other


def test_depthimage_to_numpy(run_block):
    make = """
    def make(n):
        depth = np.linspace(1, 9, 480 * 640, dtype=np.float32).reshape(480, 640)
        depth[:240] = 0
        depth[300, 400] = 0.5 + n / 1024
        return horus.DepthImage.from_numpy(depth)
    """
    got = run_block(DEPTHIMAGE_TO_NUMPY, "tick = depth_tick", topics=("camera.depth", "closest"), make=make)
    numbers = [(message["distance_m"] - 0.5) * 1024 for message in got]
    assert numbers == [int(number) for number in numbers]
    assert numbers == sorted(set(numbers))


FEEDER = """
import json, pathlib, sys
import horus
import numpy as np

collected = []

def feed(node):
    node.send("camera.rgb", horus.Image.from_numpy(np.full((480, 640, 3), 100, np.uint8)))

def collect(node):
    collected.extend(node.recv_all("detections"))
    if len(collected) >= 6:
        boxes = [[d.class_id, d.class_name, d.confidence, *d.bbox.as_tuple()] for d in collected]
        pathlib.Path(sys.argv[1]).write_text(json.dumps(boxes[:6]))
        node.request_stop()

horus.run(
    horus.Node("feeder", tick=feed, pubs=["camera.rgb"], rate=50),
    horus.Node("collector", tick=collect, subs={"detections": horus.Detection}, rate=50),
    duration=60,
)
"""

MODEL = """
from types import SimpleNamespace

class Model:
    def predict(self, frame):
        assert frame.shape == (480, 640, 3) and not frame.flags.writeable
        found = [(3, "dog", 10, 20, 110, 70), (7, "cat", 0, 1, 2, 4)]
        return [
            SimpleNamespace(class_id=i, class_name=name, confidence=frame.mean() / 200, x1=a, y1=b, x2=c, y2=d)
            for i, name, a, b, c, d in found
        ]

model = Model()
"""


def test_complete_ml_pipeline_meets_a_feeder_in_another_terminal(tmp_path, namespace):
    """The block ends with `horus.run` itself, and so for ever: Ctrl-C, as its user would."""
    block, feeder, out = tmp_path / "pipeline.py", tmp_path / "feeder.py", tmp_path / "collected.json"
    block.write_text(MODEL + COMPLETE_ML_PIPELINE)
    feeder.write_text(FEEDER)
    with (tmp_path / "pipeline.log").open("w+") as log:
        pipeline = subprocess.Popen([sys.executable, block], stdout=log, stderr=subprocess.STDOUT)
        try:
            done = subprocess.run(
                [sys.executable, feeder, out], capture_output=True, text=True, timeout=DEADLINE_S + 20, check=False
            )
            pipeline.send_signal(signal.SIGINT)
            code = pipeline.wait(timeout=DEADLINE_S)
        finally:
            pipeline.kill()
        log.seek(0)
        said = log.read()
    assert done.returncode == 0, done.stdout + done.stderr + said
    assert out.exists(), said
    assert code == 130, said
    dog, cat = [3, "dog", 0.5, 10, 20, 100, 50], [7, "cat", 0.5, 0, 1, 2, 3]
    got = json.loads(out.read_text())
    assert got in ([dog, cat] * 3, [cat, dog] * 3)  # the collector may have joined between the two of a frame
