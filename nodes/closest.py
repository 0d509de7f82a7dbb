"""Find the closest obstacle in a depth image.

subs    camera.depth  DepthImage, (H, W) float32 metres, 0 where nothing was measured
pubs    closest       {"distance_m": float, "row": int, "column": int}, one message an image
"""

import numpy as np


def closest(node):
    image = node.recv("camera.depth")
    if image is None:
        return
    depth = image.to_numpy()
    row, column = np.unravel_index(np.where(depth > 0, depth, np.inf).argmin(), depth.shape)
    node.send("closest", {"distance_m": float(depth[row, column]), "row": int(row), "column": int(column)})
