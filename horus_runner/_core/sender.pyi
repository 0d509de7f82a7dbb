from collections.abc import Callable
from typing import Any, final

from typing_extensions import Self

from horus_runner._core.receiver import Causality
from horus_runner._core.ring import Loan, RingWriter

@final
class Turn:
    def __new__(cls) -> Self: ...

@final
class Sender:
    def __init__(
        self,
        topic: str,
        declared: type[Any] | None,
        open_ring: Callable[[int, type[Any] | None, int], RingWriter],
        coerce: Callable[[Any], Any],
        encode: Callable[[Any], bytes],
        causality: Causality | None = None,
    ) -> None: ...
    @property
    def topic(self) -> str: ...
    @property
    def declared(self) -> type[Any] | None: ...
    @property
    def ring(self) -> RingWriter | None: ...
    @ring.setter
    def ring(self, value: RingWriter | None) -> None: ...
    @property
    def published(self) -> int: ...
    def send(self, message: Any, origin_ns: int = 0) -> bool: ...
    def loan(self, cls: type[Any], nbytes: int) -> Loan: ...
