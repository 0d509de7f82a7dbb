"""A depth camera that looks at one real scene: the motorcycle of the Middlebury stereo set, from scikit-image.

    pubs    camera.depth  DepthImage, (500, 741) float32 metres, one image a tick; 0 where nothing was measured

Depth is focal length * baseline / (disparity + offset), worked out in the shared-memory slot that is sent. A pixel
without a measurement has an infinite disparity, so its depth comes out as 0.
"""

import numpy as np
import skimage.data

import horus

FOCAL_PX, BASELINE_M, OFFSET_PX = 994.978, 0.193001, 31.086


class Stereo(horus.Node):
    def init(self):
        _, _, self.disparity = skimage.data.stereo_motorcycle()

    def tick(self):
        height, width = self.disparity.shape
        image = self.loan("camera.depth", height=height, width=width, dtype="float32")
        depth = image.to_numpy()
        np.add(self.disparity, OFFSET_PX, out=depth)
        np.divide(FOCAL_PX * BASELINE_M, depth, out=depth)
        self.send("camera.depth", image)
