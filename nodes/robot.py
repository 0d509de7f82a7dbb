"""A simulated two-wheeled robot: each command moves it for one step of time, then it says where it is.

subs    cmd_vel  CmdVel, m/s and rad/s
pubs    pose     Pose2D, metres and radians, one message a command; it starts at (0, 0) and looks along x
params  step_s   how long a command lasts, seconds (0.001)
"""

import math
import time

import horus


class Robot(horus.Node):
    def init(self):
        self.step_s = self.params.get("step_s", 0.001)
        self.x = self.y = self.theta = 0.0

    def tick(self):
        for command in self.recv_all("cmd_vel"):
            self.theta = math.remainder(self.theta + command.angular * self.step_s, math.tau)
            self.x += command.linear * self.step_s * math.cos(self.theta)
            self.y += command.linear * self.step_s * math.sin(self.theta)
            pose = horus.Pose2D(x=self.x, y=self.y, theta=self.theta)
            self.send("pose", pose, origin_ns=time.monotonic_ns())  # measured now, not when the command was
