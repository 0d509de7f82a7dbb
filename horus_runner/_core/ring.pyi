from collections.abc import Callable
from typing import Any, final

from typing_extensions import Self

from horus_runner._core.blocks import Block
from horus_runner._core.clock import Doorbell
from horus_runner._core.layouts import Layout
from horus_runner._core.mapping import Descriptor, Mapping

@final
class RingWriter:
    def __new__(
        cls,
        mapping: Mapping,
        file: Descriptor,
        label: str,
        resolve: Callable[[int], Doorbell | None],
        bell: Doorbell,
        reclaim: Callable[[Mapping], object],
        record_type: type[Any] | None = None,
        *,
        check: bool = False,
        wait_ns: int = 0,
    ) -> Self: ...
    @property
    def label(self) -> str: ...
    @property
    def record_type(self) -> type[Any] | None: ...
    @property
    def layout(self) -> Layout | None: ...
    @property
    def next(self) -> int: ...
    @property
    def slot_bytes(self) -> int: ...
    @property
    def embed_bytes(self) -> int: ...
    def ring_everybody(self) -> None: ...
    @property
    def ended(self) -> bool: ...
    def follow(self, before: RingWriter) -> None: ...
    def come_after(self, before: RingWriter) -> None: ...
    def purge(self) -> bool: ...

@final
class Loan(Block):
    @property
    def slot(self) -> int: ...

@final
class Lease(Block): ...

@final
class RingReader:
    def __new__(
        cls,
        control: Mapping,
        view: Mapping,
        file_bytes: int,
        owner: int,
        subscriber: str,
        open_private: Callable[[int], Mapping],
        writer_bell: Doorbell | None,
        record_type: type[Any] | None = None,
        *,
        start: int | None = None,
    ) -> Self: ...
    @property
    def warned(self) -> bool: ...
    @property
    def record_type(self) -> type[Any] | None: ...
    @property
    def layout(self) -> Layout | None: ...
    @property
    def cursor(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def exhausted(self) -> bool: ...
    @property
    def generation(self) -> int: ...
    def close(self) -> None: ...
