from typing import Any, Final

from horus_runner._core.mapping import Mapping

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
