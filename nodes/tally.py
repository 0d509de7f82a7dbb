"""Print the faces that were found, and say at the end in how many of the frames there was one.

subs    detections   Detection, one message a face, its box in pixels
        faces.frame  {"video_ms", "faces"}, one message a frame that was looked at, after its detections
params  every        print the faces of every so-manieth frame (1)
"""

import horus


class Tally(horus.Node):
    def init(self):
        self.every = self.params.get("every", 1)
        self.frames = self.with_face = 0

    def tick(self):
        for frame in self.recv_all("faces.frame"):
            for _ in range(frame["faces"]):
                face = self.recv("detections")
                if face is not None and self.frames % self.every == 0:
                    show(frame["video_ms"], face)
            self.frames += 1
            self.with_face += frame["faces"] > 0

    def shutdown(self):
        self.tick()  # what came while the graph was stopping
        print(f"a face in {self.with_face} of {self.frames} frames")


def show(video_ms, face):
    box = face.bbox
    print(
        f"at {video_ms / 1000:5.2f} s: {face.class_name} {face.confidence:.3f}, "
        f"{box.width:.0f} x {box.height:.0f} pixels at ({box.x:.0f}, {box.y:.0f})",
        flush=True,
    )
