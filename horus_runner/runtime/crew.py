"""The processes of a run: a child for each node that lives, what is left of the groups of those that ended."""

from __future__ import annotations

import os
import selectors
import time
from contextlib import suppress

from horus_runner.graph.plan import GRACE_NS, GraphPlan, NodeSettings
from horus_runner.runtime.children import Child, Hearer
from horus_runner.runtime.forkserver import ForkServer
from horus_runner.runtime.leftovers import Leftovers
from horus_runner.runtime.processes import end_relatives


class Crew:
    """Orders nodes from the fork server, signals them, and keeps the server informed of what it would clean up."""

    def __init__(
        self,
        plan: GraphPlan,
        namespace: str,
        server: ForkServer,
        selector: selectors.BaseSelector,
        hearer: Hearer,
    ) -> None:
        self._plan = plan
        self._namespace = namespace
        self._server = server
        self._selector = selector
        self._hearer = hearer
        self._children: dict[str, Child] = {}
        self._leftovers = Leftovers()

    def spawn(self, node: str, incarnation: int) -> None:
        index, plan = next((i, plan) for i, plan in enumerate(self._plan.nodes) if plan.name == node)
        settings = NodeSettings(
            plan=plan,
            topics=self._plan.topics,
            graph=self._plan.name,
            namespace=self._namespace,
            run_id=self._server.run_id,
            index=index,
            incarnation=incarnation,
            source=self._plan.source,
        )
        self._children[node] = Child(settings, self._server, self._selector, self._hearer)

    def signal_group(self, node: str, signum: int) -> None:
        child = self._children.get(node)
        if child is not None:
            child.signal_group(signum)

    def exited(self, child: Child) -> None:
        """A child has been reaped: its group has had its SIGTERM, see to who is left of it."""
        if self._children.get(child.name) is child:
            del self._children[child.name]
        if child.pid is not None:
            self._leftovers.add(child.pid, time.monotonic_ns())
        self.charge_server()

    def charge_server(self) -> None:
        """Tell the fork server what there is to clean up now."""
        self._server.charge(self._groups())

    def _groups(self) -> list[int]:
        return [child.pid for child in self._children.values() if child.pid is not None] + self._leftovers.groups

    def look(self, now_ns: int) -> None:
        """See to the leftovers; call it again after `due_in_ns`."""
        self._leftovers.look(now_ns)

    @property
    def due_in_ns(self) -> int | None:
        return self._leftovers.due_in_ns

    @property
    def has_leftovers(self) -> bool:
        return bool(self._leftovers.groups)

    def reap_orphans(self) -> None:
        """Reap what living nodes' subprocesses have left to this process, their adopter."""
        for child in self._children.values():
            child.reap_orphans()

    def end_all(self) -> None:
        """End whatever of the run still lives: SIGTERM, grace, SIGKILL. The fork server stays."""
        end_relatives(self._server.token, self._groups(), (self._server.pid,), grace_s=GRACE_NS / 1e9, reap=_reap)
        for child in self._children.values():
            child.close()


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
