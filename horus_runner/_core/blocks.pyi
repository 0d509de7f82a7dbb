from typing import Final, final

from typing_extensions import Buffer, Self, disjoint_base

__pyx_capi__: Final[dict[str, object]]

@disjoint_base
class Block:
    @property
    def nbytes(self) -> int: ...
    @property
    def readonly(self) -> bool: ...

@final
class HeapBlock(Block): ...

@final
class BorrowedBlock(Block): ...

@final
class MappedBlock(Block):
    def __new__(cls, buffer: Buffer, *, readonly: bool = False, private: Buffer | None = None) -> Self: ...
