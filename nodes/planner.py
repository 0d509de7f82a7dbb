"""Send the robot from waypoint to waypoint, and ask the graph to stop when it is at the last.

subs    pose       Pose2D of the robot, metres and radians
pubs    goal       Pose2D to drive to (its theta means nothing), one message a tick
params  waypoints  [[x, y], ...] in metres
        reached_m  a waypoint is reached within this distance, metres (0.02)
"""

import horus


class Planner(horus.Node):
    def init(self):
        self.goals = [horus.Pose2D(x=x, y=y, theta=0.0) for x, y in self.params["waypoints"]]
        self.reached_m = self.params.get("reached_m", 0.02)

    def tick(self):
        pose = self.latest("pose")
        if self.goals and pose is not None and pose.distance_to(self.goals[0]) <= self.reached_m:
            goal = self.goals.pop(0)
            print(f"waypoint ({goal.x:g}, {goal.y:g}) reached at ({pose.x:.3f}, {pose.y:.3f})", flush=True)
            if not self.goals:
                self.request_stop()
        if self.goals:
            self.send("goal", self.goals[0])
