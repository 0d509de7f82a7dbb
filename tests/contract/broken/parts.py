"""Nodes that the broken graphs of this directory name; none of them is ever run."""

import horus

LIMIT = 3


def camera(node):
    """A tick."""


def detect(node):
    """A tick."""


def sink(node):
    """A tick."""


def no_argument():
    """No tick: it takes nothing."""


def two_arguments(node, gain):
    """No tick: it needs two."""


class Settings:
    """A class, but no node."""


class Silent(horus.Node):
    """A node without a tick."""


class Starter(horus.Node):
    """A node that sends before its first tick."""

    def init(self):
        self.send("ping", 0)

    def tick(self):
        """A tick."""
