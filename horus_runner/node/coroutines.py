"""Hooks that are coroutine functions: each node that has one has an event loop, which runs while the hook does."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Awaiter:
    """Runs what an async hook returns to its end. Tasks that it started go on when the next hook runs."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None

    def finish(self, result: Any) -> None:
        """Wait for `result` when it is a coroutine; raises what it raises."""
        if isinstance(result, CoroutineType):
            if self._loop is None:
                import asyncio  # 30 ms that only async nodes pay

                self._loop = asyncio.new_event_loop()
            self._loop.run_until_complete(result)

    def close(self) -> None:
        """Cancel the tasks that are left, and close the loop."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        import asyncio

        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
