"""Message classes: a fixed C layout, equal to a NumPy structured dtype, behind ordinary attributes.

A message is one allocation: the object's header and its fields. Its class is a heap type whose attributes are getset
descriptors, each with its `field_t` as closure; there is no `__dict__`, no garbage collection, no boxed values.
`horus_runner.messages.define` reads a class's annotations and calls `new_class` with what it found.
"""

import numpy as np

from horus_runner._core.items import array_of
from horus_runner._core.layouts import Required, layout_of

cimport numpy as cnp
from cpython.mem cimport PyObject_Free, PyObject_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memcpy, memmove, memset

cnp.import_array()

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8(object text) except NULL
    object PyObject_Init(PyObject *memory, PyTypeObject *cls)
    object PyType_FromSpecWithBases(PyType_Spec *spec, object bases)
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf)
    PyObject **PySequence_Fast_ITEMS(object sequence)
    void Py_DECREF "Py_DECREF"(PyObject *)
    void Py_XDECREF "Py_XDECREF"(PyObject *)
    PyTypeObject *Py_TYPE(PyObject *)
    ctypedef struct PyType_Slot:
        int slot
        void *pfunc
    ctypedef struct PyType_Spec:
        const char *name
        int basicsize
        int itemsize
        unsigned int flags
        PyType_Slot *slots
    enum:
        Py_tp_dealloc
        Py_tp_doc
        Py_tp_getset
        Py_tp_new
        Py_TPFLAGS_DEFAULT
        Py_TPFLAGS_BASETYPE

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_NewFromDescr(
        PyTypeObject *subtype, cnp.dtype dtype, int ndim, Py_ssize_t *shape, Py_ssize_t *strides, void *data, int flags,
        PyObject *of)

cdef extern from *:
    """
    static inline void type_set_vectorcall(PyTypeObject *type, void *call) { type->tp_vectorcall = (vectorcallfunc)call; }
    """
    void type_set_vectorcall(PyTypeObject *type, void *call)

cdef extern from "fields.h":
    enum:
        FIELD_F32
        FIELD_BYTES
        FIELD_BOUNDED
        FIELD_RECORD
    object field_load(const field_t *field, const char *data)
    int field_store(const field_t *field, char *data, object value) except -1
    Py_ssize_t field_used(const field_t *field, const char *data) except -1
    int fields_equal(const field_t *fields, Py_ssize_t nfields, const char *a, const char *b) except -1


# ---------------------------------------------------------------------------------------------------- fields

cdef object load(const field_t *field, Record record):
    if field.kind <= FIELD_BYTES:
        return field_load(field, record.data)
    if field.kind == FIELD_RECORD:
        return record_view(field, record)
    return array_view(field, record)


cdef int store(const field_t *field, char *data, object value) except -1:
    if field.kind <= FIELD_BYTES:
        return field_store(field, data, value)
    if field.kind != FIELD_RECORD:
        return array_store(field, data, value)
    if <PyObject *>Py_TYPE(<PyObject *>value) is not field.type:
        raise TypeError(f"{<object>field.place} takes a {(<type>field.type).__name__}, not {type(value).__name__} {value!r:.100}")
    memmove(data + field.offset, (<Record>value).data, field.size)
    return 0


cdef object record_view(const field_t *field, Record record):
    """The nested message itself: what is written to it is written to the message that it stands in."""
    cdef Record view = allocate(<PyTypeObject *>field.type, sizeof_record())
    view.data = record.data + field.offset
    view.owner = <PyObject *>record
    Py_INCREF(record)
    return view


cdef cnp.ndarray array_over(cnp.dtype dtype, int ndim, Py_ssize_t *shape, char *address, Record record):
    """An array of the record's own bytes, which keeps the record alive."""
    Py_INCREF(dtype)    # NewFromDescr takes a reference
    cdef cnp.ndarray array = PyArray_NewFromDescr(
        <PyTypeObject *>cnp.ndarray, dtype, ndim, shape, NULL, address, cnp.NPY_ARRAY_WRITEABLE, NULL)
    cnp.set_array_base(array, record)
    return array


cdef object array_view(const field_t *field, Record record):
    cdef Py_ssize_t used
    if field.kind == FIELD_BOUNDED:
        used = field_used(field, record.data)
        return array_over(<cnp.dtype>field.type, 1, &used, record.data + field.offset + field.values, record)
    return array_over(<cnp.dtype>field.type, field.ndim, <Py_ssize_t *>field.shape, record.data + field.offset, record)


cdef int array_store(const field_t *field, char *data, object value) except -1:
    cdef cnp.ndarray array
    if type(value) is cnp.ndarray and (<cnp.ndarray>value).dtype is <object>field.type and cnp.PyArray_IS_C_CONTIGUOUS(value):
        array = value
    else:
        array = array_of(<object>field.type, value, <object>field.place)
    cdef char *target = data + field.offset
    cdef unsigned int used
    cdef Py_ssize_t nbytes = cnp.PyArray_NBYTES(array)
    if field.kind == FIELD_BOUNDED:
        if array.ndim != 1 or cnp.PyArray_SIZE(array) > field.count:
            raise ValueError(f"{<object>field.place} holds up to {field.count} items in one dimension, not shape {np.shape(array)}")
        used = <unsigned int>cnp.PyArray_SIZE(array)
        memmove(target + field.values, cnp.PyArray_DATA(array), nbytes)
        memset(target + field.values + nbytes, 0, field.count * field.itemsize - nbytes)
        memcpy(target, &used, sizeof(used))
        return 0
    shape = tuple([field.shape[axis] for axis in range(field.ndim)])
    if np.shape(array) != shape:
        raise ValueError(f"{<object>field.place} has shape {shape}, not {np.shape(array)}")
    memmove(target, cnp.PyArray_DATA(array), nbytes)
    return 0


cdef object get_field(Record record, void *closure):
    return load(<const field_t *>closure, record)


cdef int set_field(Record record, PyObject *value, void *closure) except -1:
    cdef const field_t *field = <const field_t *>closure
    if value is NULL:
        raise AttributeError(f"{<object>field.place} is a field: it cannot be deleted")
    return store(field, record.data, <object>value)


# ---------------------------------------------------------------------------------------------------- classes

cdef inline Py_ssize_t sizeof_record() noexcept:
    return (<PyTypeObject *>Record).tp_basicsize


cdef inline Record allocate(PyTypeObject *cls, Py_ssize_t nbytes):
    cdef PyObject *memory = <PyObject *>PyObject_Malloc(nbytes)
    if memory is NULL:
        raise MemoryError()
    cdef Record record = <Record>PyObject_Init(memory, cls)
    record.owner = NULL
    record.send_ns = record.origin_ns = 0
    return record


cdef void record_dealloc(PyObject *self) noexcept:
    cdef PyTypeObject *cls = Py_TYPE(self)
    Py_XDECREF((<Record>self).owner)
    PyObject_Free(self)
    Py_DECREF(<PyObject *>cls)


cdef Record record_new(type cls):
    if (<PyTypeObject *>cls).tp_dealloc is not <void *>record_dealloc:
        raise TypeError(f"{cls.__qualname__} is not a message class: decorate it with @horus.message")
    cdef Record record = allocate(<PyTypeObject *>cls, (<PyTypeObject *>cls).tp_basicsize)
    record.data = <char *><PyObject *>record + sizeof_record()
    return record


cdef int refuse_name(Layout layout, object name) except -1:
    from horus_runner.errors import did_you_mean
    raise TypeError(f"{layout.name} has no field '{name}'.{did_you_mean(name, layout.fields)}")


cdef int refuse_missing(Layout layout, object given) except -1:
    missing = [repr(name) for name in layout.fields[: layout.required] if name not in given]
    raise TypeError(f"{layout.name}() needs {' and '.join(missing)}")


cdef Py_ssize_t index_of(Layout layout, PyObject *name) except -1:
    cdef Py_ssize_t index
    for index in range(layout.count):       # names of keywords and of fields are interned: nearly always the same object
        if layout.table[index].name is name:
            return index
    if <object>name not in layout.fields:
        refuse_name(layout, <object>name)
    return layout.fields.index(<object>name)


cdef int assign(Record record, Layout layout, PyObject **args, Py_ssize_t given, PyObject **values, tuple names) except -1:
    """Positional arguments, then named ones; what is not given stays as it is."""
    cdef Py_ssize_t index, number, filled = given
    if given > layout.count:
        raise TypeError(f"{layout.name}() takes up to {layout.count} arguments, not {given}")
    for index in range(given):
        store(&layout.table[index], record.data, <object>args[index])
    if names is not None:
        for number in range(len(names)):
            index = index_of(layout, <PyObject *>names[number])
            if index < given:
                raise TypeError(f"{layout.name}() was given '{names[number]}' twice")
            filled += index < layout.required
            store(&layout.table[index], record.data, <object>values[number])
    if filled < layout.required:
        refuse_missing(layout, layout.fields[:given] + (names or ()))
    return 0


cdef object record_call(PyObject *cls, PyObject **args, size_t nargsf, PyObject *names):
    """``CmdVel(1.0, 0.5)``: the class's vectorcall, for classes without an ``__init__`` of their own."""
    cdef Record record = record_new(<type>cls)
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargsf)
    cdef Layout layout = record_layout(<type>cls)
    memcpy(record.data, layout.template, layout.storage)
    assign(record, layout, args, given, args + given, <tuple>names if names is not NULL else None)
    return record


cdef object record_default(PyObject *cls, PyObject *args, PyObject *kwargs):
    """``__new__``: every field at its default, or zero."""
    cdef Record record = record_new(<type>cls)
    cdef Layout layout = record_layout(<type>cls)
    memcpy(record.data, layout.template, layout.storage)
    return record


cdef class Record:
    """Base of every message class: what all messages can do. `horus.message` makes one from a class with annotations.

    `send_ns` and `origin_ns` are stamps of CLOCK_MONOTONIC that a received message carries (when it was sent; when the
    oldest of what it was computed from was measured), 0 in any other message.
    """

    def __cinit__(self, *args, **kwargs):
        raise TypeError(f"{type(self).__qualname__} is not a message class: decorate it with @horus.message")

    def __init__(self, *args, **kwargs):
        cdef Layout layout = record_layout(type(self))
        cdef tuple names = tuple(kwargs), values = tuple(kwargs.values())
        memcpy(self.data, layout.template, layout.size)
        assign(self, layout, PySequence_Fast_ITEMS(args), len(args), PySequence_Fast_ITEMS(values), names)
        if layout.post_init:
            self.__post_init__()

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        cdef Layout layout = record_layout(type(self))
        return fields_equal(layout.table, layout.count, self.data, (<Record>other).data) == 1

    def __repr__(self):
        cdef Layout layout = record_layout(type(self))
        cdef Py_ssize_t index
        parts = [f"{layout.fields[index]}={field_repr(&layout.table[index], self)}" for index in range(layout.count)]
        return f"{type(self).__qualname__}({', '.join(parts)})"

    def copy(self):
        """A message of its own with the same values and stamps."""
        cdef Layout layout = record_layout(type(self))
        cdef Record twin = record_new(type(self))
        memcpy(twin.data, self.data, layout.size)
        twin.send_ns, twin.origin_ns = self.send_ns, self.origin_ns
        return twin

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        cdef Layout layout = record_layout(type(self))
        return restore, (type(self), layout.hash, self.data[: layout.size])

    def to_dict(self):
        """The fields as a dict; nested messages as dicts, arrays as copies."""
        cdef Layout layout = record_layout(type(self))
        cdef Py_ssize_t index
        values = {}
        for index in range(layout.count):
            value = load(&layout.table[index], self)
            if layout.table[index].kind == FIELD_RECORD:
                value = value.to_dict()
            elif layout.table[index].kind > FIELD_BYTES:
                value = value.copy()
            values[layout.fields[index]] = value
        return values

    @classmethod
    def from_dict(cls, values):
        """The inverse of `to_dict`; fields left out take their defaults. TypeError for a name that is no field."""
        cdef Layout layout = record_layout(cls)
        cdef Record record = record_default(<PyObject *>cls, NULL, NULL)
        cdef Py_ssize_t index
        for name, value in values.items():
            index = index_of(layout, <PyObject *>name)
            if layout.table[index].kind == FIELD_RECORD and isinstance(value, dict):
                value = (<object>layout.table[index].type).from_dict(value)
            store(&layout.table[index], record.data, value)
        if any([name not in values for name in layout.fields[: layout.required]]):
            refuse_missing(layout, values)
        if layout.post_init:
            record.__post_init__()
        return record

    def to_numpy(self):
        """A structured array without dimensions over the message's own bytes: writing to it writes to the message."""
        return array_over(record_layout(type(self)).dtype, 0, NULL, self.data, self)

    @classmethod
    def from_numpy(cls, array):
        """A message with the bytes of one item of a structured array whose dtype is the layout's; else TypeError."""
        cdef Layout layout = record_layout(cls)
        cdef Record record = record_default(<PyObject *>cls, NULL, NULL)
        given = np.asarray(array)
        if given.dtype != layout.dtype or given.shape != ():
            raise TypeError(f"{layout.name}.from_numpy takes one item of {layout.dtype}, not {given.dtype} of shape {given.shape}")
        array_over(layout.dtype, 0, NULL, record.data, record)[...] = given
        return record


cdef str field_repr(const field_t *field, Record record):
    value = load(field, record)
    if field.kind == FIELD_F32:    # the shortest text that reads back as the same f32: 0.1, not 0.10000000149011612
        for digits in range(6, 9):
            short = float(f"{value:.{digits}g}")
            if <float>short == <float>value:
                return repr(short)
    return repr(value)


def refuse_subclass(cls, **kwargs):
    """``__init_subclass__`` of every message class."""
    parent = cls.__mro__[1].__name__
    raise TypeError(
        f"{cls.__name__} cannot be a subclass of the message {parent}, whose layout is fixed. "
        f"Give it a field of type {parent}, or repeat the fields."
    )


def restore(type cls, unsigned long long hash, bytes data):
    """A message from its pickle; ValueError when its class has another layout by now."""
    cdef Layout layout = record_layout(cls)
    cdef Record record = record_default(<PyObject *>cls, NULL, NULL)
    if hash != layout.hash or len(data) != layout.size:
        raise ValueError(f"this {layout.name} was pickled with another layout than {layout.text}")
    memcpy(record.data, <const char *>data, layout.size)
    return record


def new_class(str name, str module, str signature, str doc, list fields, bint own_init, bint post_init):
    """A message class without methods.

    `fields` are tuples (name, kind, shape, item, default). Kind is one of ``scalar``, ``str``, ``bytes``, ``array``,
    ``bounded`` and ``record``; `item` is the name of the scalar (one of `KINDS`), or the class of a nested message; `shape` has
    the bytes of a text, the dimensions of an array. `own_init` classes are not filled by the constructor.
    """
    cdef Layout layout = Layout(name, fields, post_init)
    cdef Py_ssize_t index
    cdef bytes dotted = f"{module}.{name}".encode()
    cdef bytes text = (f"{name}({signature})\n--\n\n{doc or ''}" if not own_init else doc or "").encode()
    cdef PyType_Slot[5] slots
    cdef PyType_Spec spec
    for index in range(layout.count):
        layout.descriptors[index].name = PyUnicode_AsUTF8(layout.fields[index])
        layout.descriptors[index].get = <void *>get_field
        layout.descriptors[index].set = <void *>set_field
        layout.descriptors[index].closure = &layout.table[index]
        if fields[index][4] is not Required:
            store(&layout.table[index], layout.template, fields[index][4])
    slots[0].slot, slots[0].pfunc = Py_tp_dealloc, <void *>record_dealloc
    slots[1].slot, slots[1].pfunc = Py_tp_new, <void *>record_default
    slots[2].slot, slots[2].pfunc = Py_tp_getset, layout.descriptors
    slots[3].slot, slots[3].pfunc = Py_tp_doc, <char *>text
    slots[4].slot, slots[4].pfunc = 0, NULL
    spec.name = dotted
    # 8 more than the fields: a nested message is sent in whole words from wherever it stands.
    spec.basicsize = <int>(sizeof_record() + layout.storage + 8)
    spec.itemsize = 0
    spec.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE    # BASETYPE: refuse_subclass says why not
    spec.slots = slots
    layout.kept += (dotted,)    # CPython 3.10 points at it until the name is set
    cls = PyType_FromSpecWithBases(&spec, (Record,))
    cls.__name__ = name
    cls.__module__ = module
    cls.__layout__ = layout
    cls.__match_args__ = layout.fields
    cls.__init_subclass__ = classmethod(refuse_subclass)
    if not own_init and not post_init:
        type_set_vectorcall(<PyTypeObject *>cls, <void *>record_call)
    return cls
