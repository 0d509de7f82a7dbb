"""Typed messages at C level: the object that carries one. Its layout is in layouts.pxd."""

from cpython.object cimport PyObject

from horus_runner._core.layouts cimport Layout, PyGetSetDef, field_t, record_layout


cdef class Record:
    """Base of every message class. `data` is the object's own storage or a place inside `owner`'s.

    Own storage is 8-aligned and may be written, in whole 8-byte words, up to the layout's size rounded up to 8. Of a
    nested message (`owner` is set) up to 7 bytes behind its end may be read, and it is aligned to its own fields only.
    """

    cdef char *data
    cdef PyObject *owner                     # a Record, owned; or NULL
    cdef readonly long long send_ns
    cdef readonly long long origin_ns


cdef Record record_new(type cls)             # storage is not cleared, __init__ is not called
