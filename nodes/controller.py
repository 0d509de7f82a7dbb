"""Steer a robot to a goal: turn towards it, and drive the faster the further it is and the better it is ahead.

subs    pose     Pose2D of the robot, metres and radians
        goal     Pose2D to drive to; the last one counts until the next
pubs    cmd_vel  CmdVel, m/s and rad/s, one message a tick; standing still until a goal is known
params  speed    greatest speed, m/s (1.0)
        turn     greatest turn rate, rad/s (6.0)
"""

import math

import horus


class Controller(horus.Node):
    def init(self):
        self.speed, self.turn = self.params.get("speed", 1.0), self.params.get("turn", 6.0)
        self.pose = self.goal = None

    def tick(self):
        self.pose = self.latest("pose") or self.pose
        self.goal = self.latest("goal") or self.goal
        self.send("cmd_vel", self.steer() if self.pose and self.goal else horus.CmdVel(linear=0.0, angular=0.0))

    def steer(self):
        dx, dy = self.goal.x - self.pose.x, self.goal.y - self.pose.y
        wrong = math.remainder(math.atan2(dy, dx) - self.pose.theta, math.tau)
        linear = min(4.0 * math.hypot(dx, dy), self.speed) * max(math.cos(wrong), 0.0)
        return horus.CmdVel(linear=linear, angular=max(-self.turn, min(8.0 * wrong, self.turn)))
