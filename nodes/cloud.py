"""Turn a depth image into the points that the camera saw.

    subs    camera.depth  DepthImage, (H, W) float32 metres, 0 where nothing was measured
    pubs    camera.points  PointCloud, (N, 3) float32 metres: x right, y down, z forward of the camera
    params  focal_px      focal length, pixels (994.978, as for the motorcycle of scikit-image)
            centre_px     [column, row] of the optical axis, pixels ([311.193, 254.877])

The N pixels that have a depth are projected straight into the shared-memory slot that is sent.
"""

import numpy as np

import horus


class Cloud(horus.Node):
    def init(self):
        self.focal_px = self.params.get("focal_px", 994.978)
        self.centre_px = self.params.get("centre_px", [311.193, 254.877])

    def tick(self):
        image = self.recv("camera.depth")
        if image is None:
            return
        depth = image.to_numpy()
        row, column = np.nonzero(depth)
        cloud = self.loan("camera.points", num_points=len(row), fields=3)
        x, y, z = cloud.to_numpy().T
        z[:] = depth[row, column]
        for out, pixel, centre in (x, column, self.centre_px[0]), (y, row, self.centre_px[1]):
            np.subtract(pixel, centre, out=out)
            np.multiply(out, z, out=out)
            np.divide(out, self.focal_px, out=out)
        self.send("camera.points", cloud)
