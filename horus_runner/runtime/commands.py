"""What can be asked of a run through its control socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from horus_runner.errors import UsageError, did_you_mean
from horus_runner.graph.plan import GraphPlan
from horus_runner.runtime import events

_LEVELS: Final = ("debug", "info", "warning", "error")


class Commands:
    """Checks requests and turns them into events for `feed`."""

    def __init__(self, plan: GraphPlan, feed: Callable[[events.Event], None]) -> None:
        self._names = [node.name for node in plan.nodes]
        self._feed = feed
        self._lowest = _LEVELS.index("info")

    def shows(self, level: str) -> bool:
        """Whether a line of this level is to be shown; what a process printed always is."""
        return level not in _LEVELS or _LEVELS.index(level) >= self._lowest

    def carry_out(self, request: dict[str, Any]) -> None:
        """Do what `request` asks. UsageError with the reason when it cannot be done."""
        actions = {"stop": self._stop, "restart": self._restart, "param": self._param, "level": self._level}
        verb = str(request.get("do"))
        if verb not in actions:
            raise UsageError(f"'{verb}' is nothing that a run does.{did_you_mean(verb, actions)}")
        actions[verb](request)

    def _stop(self, request: dict[str, Any]) -> None:
        self._feed(events.StopAsked())

    def _restart(self, request: dict[str, Any]) -> None:
        self._feed(events.RestartAsked(self._node(request)))

    def _param(self, request: dict[str, Any]) -> None:
        node = self._node(request)
        raise UsageError(
            f"node '{node}' reads its params when it starts: change them in the graph file, or with "
            f"--set nodes.{node}.params.{request.get('key', 'KEY')}=VALUE, and start the graph again."
        )

    def _level(self, request: dict[str, Any]) -> None:
        level = str(request.get("level"))
        if level not in _LEVELS:
            raise UsageError(f"'{level}' is no level.{did_you_mean(level, _LEVELS)}")
        self._lowest = _LEVELS.index(level)

    def _node(self, request: dict[str, Any]) -> str:
        name = str(request.get("node"))
        if name not in self._names:
            raise UsageError(f"the graph has no node '{name}'.{did_you_mean(name, self._names)}")
        return name
