"""The layout of a message class at C level, and the table that fields.h reads."""

from cpython.object cimport PyObject


cdef extern from "fields.h" nogil:
    ctypedef struct field_t "field_t":
        int kind
        int item
        int ndim
        Py_ssize_t offset
        Py_ssize_t size
        Py_ssize_t count
        Py_ssize_t itemsize
        Py_ssize_t values
        Py_ssize_t shape[8]
        const field_t *fields
        Py_ssize_t nfields
        PyObject *name
        PyObject *place
        PyObject *type


cdef extern from "Python.h":
    ctypedef struct PyGetSetDef:
        const char *name
        void *get
        void *set
        const char *doc
        void *closure


cdef class Layout:
    """Where the fields of a message class are; immutable. `hash` is the same in every process and Python."""

    cdef readonly str name
    cdef readonly Py_ssize_t size            # bytes; equals dtype.itemsize
    cdef readonly unsigned long long hash
    cdef readonly object dtype               # NumPy's, with align=True
    cdef readonly tuple fields               # names, in order
    cdef readonly Py_ssize_t required        # so many first fields have no default
    cdef field_t *table
    cdef Py_ssize_t count
    cdef PyGetSetDef *descriptors
    cdef char *template                      # a record of defaults, `storage` bytes
    cdef Py_ssize_t storage                  # size rounded up to 8
    cdef tuple kept                          # what the table points at
    cdef str text
    cdef bint post_init

    cpdef str describe(self)


cdef Layout record_layout(type cls)          # TypeError when cls is not a message class
