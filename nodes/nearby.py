"""Count the points that are near.

subs    camera.points  PointCloud, (N, 3 or more) float32 metres
pubs    nearby         {"count": int, "points": int, "radius_m": float}, one message a cloud
params  radius_m       how far is near, metres (3.0)
"""

import numpy as np


def nearby(node):
    cloud = node.recv("camera.points")
    if cloud is None:
        return
    points, radius_m = cloud.to_numpy(), node.params.get("radius_m", 3.0)
    distances = np.linalg.norm(points[:, :3], axis=1)
    node.send("nearby", {"count": int((distances < radius_m).sum()), "points": len(points), "radius_m": radius_m})
