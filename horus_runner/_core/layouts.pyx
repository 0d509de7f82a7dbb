"""Layouts: where the fields of a message class are, equal to NumPy's aligned structured dtype of the same fields."""

import hashlib

import numpy as np

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject, PyTypeObject

cdef extern from "Python.h":
    PyObject *_PyType_Lookup(PyTypeObject *cls, object name)    # borrowed, through the method cache

cdef extern from "fields.h":
    enum:
        FIELD_BYTES
        FIELD_STR
        FIELD_ARRAY
        FIELD_BOUNDED
        FIELD_RECORD

KINDS = ("bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64")
cdef dict SCALARS = dict(zip(KINDS, [np.dtype(code) for code in "? b h i q B H I Q f d".split()], strict=True))


# An object's size is an int in CPython; arrays are what large data is for.
cdef Py_ssize_t LARGEST = 1 << 28


class Required:
    """The default of a field that has none."""


@cython.final
cdef class Layout:
    """Where the fields of a message class are; immutable.

    `size` is in bytes; `dtype` is the equal NumPy dtype; `hash` is the same in every process and on every Python, and
    differs when names, kinds, sizes or offsets differ; the first `required` fields have no default.
    """

    def __cinit__(self, str name, list fields, bint post_init):
        # fields: (name, kind, shape, item, default); item is a scalar's name, or the class of a nested message
        cdef Py_ssize_t index
        cdef tuple spec
        self.name = name
        self.post_init = post_init
        self.fields = tuple([spec[0] for spec in fields])
        self.count = len(fields)
        try:
            self.dtype = np.dtype([(spec[0], *field_format(spec)) for spec in fields], align=True)
        except ValueError as error:
            raise TypeError(f"{name} has no layout: {error}") from None
        self.size = self.dtype.itemsize
        if self.size > LARGEST:
            raise TypeError(f"{name} has {self.size} bytes, and a message at most {LARGEST}: send an array or a dict")
        self.storage = (self.size + 7) & ~7
        self.table = <field_t *>PyMem_Calloc(self.count + 1, sizeof(field_t))
        self.descriptors = <PyGetSetDef *>PyMem_Calloc(self.count + 1, sizeof(PyGetSetDef))
        self.template = <char *>PyMem_Calloc(self.storage + 8, 1)
        if self.table is NULL or self.descriptors is NULL or self.template is NULL:
            raise MemoryError()
        kept = []
        for index in range(self.count):
            fill(self, &self.table[index], fields[index], kept)
        self.kept = tuple(kept)
        self.required = 0
        for index in range(self.count):
            if fields[index][4] is Required:
                if index > self.required:
                    raise TypeError(f"{name}.{fields[index][0]} has no default and follows a field that has one")
                self.required = index + 1
        self.text = f"{name}{{{', '.join([f'{spec[0]}: {field_text(spec)}' for spec in fields])}}}"
        placed = f"{self.text} {self.size} {[self.table[index].offset for index in range(self.count)]}"
        self.hash = int.from_bytes(hashlib.blake2b(placed.encode(), digest_size=8).digest(), "little")

    def __dealloc__(self):
        PyMem_Free(self.table)
        PyMem_Free(self.descriptors)
        PyMem_Free(self.template)

    cpdef str describe(self):
        """One line: the name, then each field with its kind."""
        return self.text


cdef int fill(Layout layout, field_t *field, tuple spec, list kept) except -1:
    cdef Layout nested
    name, kind, shape, item, _ = spec
    dtype, field.offset = layout.dtype.fields[name][:2]
    place = f"{layout.name}.{name}"
    field.size = dtype.itemsize
    field.name, field.place = <PyObject *>name, <PyObject *>place
    kept += [name, place, item]
    if kind == "record":
        nested = record_layout(item)
        field.kind, field.type = FIELD_RECORD, <PyObject *>item
        field.fields, field.nfields = nested.table, nested.count
        kept.append(nested)
    elif kind == "array" or kind == "bounded":
        field.kind = FIELD_ARRAY if kind == "array" else FIELD_BOUNDED
        field.item, field.type = KINDS.index(item), <PyObject *>SCALARS[item]
        field.itemsize, field.ndim = SCALARS[item].itemsize, len(shape)
        for axis in range(field.ndim):
            field.shape[axis] = shape[axis]
        field.count = int(np.prod(shape))
        field.values = dtype.fields["values"][1] if kind == "bounded" else 0
    else:
        field.kind = FIELD_STR if kind == "str" else FIELD_BYTES if kind == "bytes" else KINDS.index(item)
    return 0


cdef tuple field_format(tuple spec):
    """What NumPy calls a field of this kind: (format,) or (format, shape)."""
    _, kind, shape, item, _ = spec
    if kind == "record":
        return (record_layout(item).dtype,)
    if kind == "array":
        return SCALARS[item], shape
    if kind == "bounded":
        return (np.dtype([("used", "u4"), ("values", SCALARS[item], shape)], align=True),)
    if kind == "str":
        return (f"S{shape[0]}",)
    if kind == "bytes":
        return (f"V{shape[0]}",)
    return (SCALARS[item],)


cdef str field_text(tuple spec):
    _, kind, shape, item, _ = spec
    if kind == "record":
        return record_layout(item).text
    if kind == "scalar":
        return item
    return f"{item}[{'<=' if kind == 'bounded' else ''}{', '.join(map(str, shape))}]"


cdef Layout record_layout(type cls):
    cdef PyObject *found = _PyType_Lookup(<PyTypeObject *>cls, "__layout__")
    if found is NULL or type(<object>found) is not Layout:
        raise TypeError(f"{cls.__qualname__} is not a message class: decorate it with @horus.message")
    return <Layout>found


def layout_of(type cls):
    """The layout of a message class; TypeError for any other class."""
    return record_layout(cls)
