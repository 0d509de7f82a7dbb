from collections.abc import Callable
from typing import Any, Final, final

from typing_extensions import Self

from horus_runner._core.blocks import Block
from horus_runner._core.clock import Doorbell
from horus_runner._core.layouts import Layout
from horus_runner._core.mapping import Descriptor, Mapping

__pyx_capi__: Final[dict[str, Any]]

PACKED: Final[int]
ARRAY: Final[int]
RECORD: Final[int]
MAX_HELD: Final[int]
NAME_BYTES: Final[int]
TOPIC_BYTES: Final[int]
LAYOUT_BYTES: Final[int]
HEADER_BYTES: Final[int]

def owner_word(run: int, index: int, serial: int) -> int: ...
def owner_parts(owner: int) -> tuple[int, int, str]: ...
def ring_header(
    *,
    capacity: int,
    rows: int,
    max_held: int,
    loans: int,
    slot_bytes: int,
    embed_bytes: int,
    generation: int,
    base: int,
    layout_hash: int,
    run: int,
    publisher_index: int,
    topic: str,
    publisher: str,
    type: str,
    layout: str,
    lossless: bool = False,
    expected: int = 0,
) -> tuple[bytes, int, int]: ...
def describe_ring(mapping: Mapping, file_bytes: int) -> dict[str, Any]: ...
def describe_rows(mapping: Mapping, file_bytes: int) -> list[dict[str, Any]]: ...
def retire_row(mapping: Mapping, file_bytes: int, row: int, seen: int, cleaner: int) -> bool: ...
def row_owners(mapping: Mapping, file_bytes: int) -> list[int]: ...
def read_word(mapping: Mapping, offset: int) -> int: ...
def add_to_word(mapping: Mapping, offset: int, count: int) -> None: ...
def set_word_once(mapping: Mapping, offset: int, value: int) -> bool: ...

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
