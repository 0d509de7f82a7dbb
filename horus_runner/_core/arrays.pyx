"""Array messages: a header of 256 bytes and data that NumPy, DLPack and the buffer protocol see where it lies.

    consumer (ndarray, DLPack capsule, memoryview) -> ArrayMessage -> Block -> memory

Each arrow is a reference, so memory is given back when the last consumer is gone. A message made over a read-only
block is read-only for every consumer that honours it; the others get the block's private address.
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE,
)
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
cimport numpy as cnp

import numpy as np

from horus_runner._core.blocks cimport Block, BorrowedBlock, heap_block
from horus_runner._core.formats cimport (
    ARRAY_FRAME_ID_BYTES, ARRAY_HEADER_BYTES, ARRAY_KINDS, ARRAY_MAX_DIMS, ArrayDtype, ArrayHeader, ArrayPlan,
    array_descriptor, array_dtypes, array_encodings, array_header_problem, header_shape,
)

cdef extern from "arrays.h":
    void array_c_strides(const ArrayHeader *header, int64_t *strides) nogil

cdef extern from "dlpack.h":
    enum:
        DL_CPU
        DL_READ_ONLY
        DL_IS_COPIED
    ctypedef struct DLDevice:
        int32_t device_type
        int32_t device_id
    ctypedef struct DLDataType:
        uint8_t code
        uint8_t bits
        uint16_t lanes
    ctypedef struct DLTensor:
        void *data
        DLDevice device
        int32_t ndim
        DLDataType dtype
        int64_t *shape
        int64_t *strides
        uint64_t byte_offset
    object dl_capsule(const DLTensor *tensor, object owner)
    object dl_capsule_versioned(const DLTensor *tensor, object owner, uint64_t flags)

cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject *cls, PyObject *args, PyObject *kwargs)
    ctypedef struct PyArray_Descr:
        pass
    PyTypeObject PyArray_Type
    object PyArray_NewFromDescr(PyTypeObject *cls, PyArray_Descr *descr, int ndim, cnp.npy_intp *shape,
                                cnp.npy_intp *strides, void *data, int flags, PyObject *prototype)

cnp.import_array()

cdef enum:
    COPY_WITHOUT_GIL = 65536  # bytes; giving up the GIL and taking it again costs what copying a few KB does
    ARRAY_ALIGNMENT = 16  # the largest item's

cdef PyObject *classes[ARRAY_KINDS]  # the Python class of each kind, kept for good
cdef object ABSENT = object()


def register_array_class(int kind, type cls not None):
    """Let received arrays of `kind` become instances of `cls`, a subclass of ArrayMessage."""
    if not 0 < kind < ARRAY_KINDS:
        raise ValueError(f"array kind {kind} is none of 1 to {ARRAY_KINDS - 1}")
    if not issubclass(cls, ArrayMessage):
        raise TypeError(f"{cls.__name__} is no subclass of ArrayMessage")
    Py_INCREF(cls)
    classes[kind] = <PyObject *>cls


@cython.no_gc  # a message refers to its block alone; what a receive loop makes should not set off the collector
cdef class ArrayMessage:
    """A header and an array: what Image, PointCloud, DepthImage and Tensor have in common.

    `send_ns` and `origin_ns` are the stamps of a received message, 0 of one made here.
    """

    cdef int usable(self) except -1:
        if self.data == NULL:
            raise ValueError(f"this {type(self).__name__} has no data: its __init__ did not run")
        return self.block.check_process()

    cdef int settable(self) except -1:
        if self.received:
            raise ValueError(f"a received {type(self).__name__} is read-only: change a copy() of it")
        return 0

    def _place(self, ArrayPlan plan not None):
        """Give a new message its zeroed memory on the heap."""
        if self.data != NULL:
            raise ValueError(f"this {type(self).__name__} has its data already")
        cdef Block block = heap_block(<Py_ssize_t>plan.header.data_nbytes, zeroed=True)
        place(self, block, block.address, &plan.header)

    @classmethod
    def _on_block(cls, Block block not None, ArrayPlan plan not None):
        """A message that lies in `block`, behind room for its header (a loan)."""
        return array_on(block, cls, plan)

    @classmethod
    def _open(cls, Block block not None):
        """The message that somebody wrote into `block`; ValueError when what lies there is none."""
        return array_open(block)

    @classmethod
    def _over(cls, ArrayPlan plan not None, cnp.ndarray array not None):
        """A message over the memory of `array`, which has the plan's shape and dtype, or over a copy of it where its
        addresses or strides are no whole items."""
        cdef ArrayMessage message = array_new(cls)
        cdef BorrowedBlock block = BorrowedBlock.__new__(BorrowedBlock)
        cdef Py_ssize_t itemsize = array_dtypes[plan.header.dtype].itemsize
        cdef int axis
        if <PyObject *>cnp.PyArray_DESCR(array) != array_descriptor(plan.header.dtype) and array.dtype != plan.dtype or not same_shape(
            array, &plan.header
        ):
            raise ValueError(f"an array of {(<object>array).shape} of {array.dtype} is not what was planned")
        if not cnp.PyArray_ISALIGNED(array):
            array = array.copy()
        for axis in range(plan.header.ndim):
            if array.strides[axis] % itemsize:
                array = array.copy()
                break
        block.owner = array
        block.address = cnp.PyArray_BYTES(array)
        block.nbytes = <Py_ssize_t>plan.header.data_nbytes
        block.readonly = not cnp.PyArray_ISWRITEABLE(array)
        place(message, block, block.address, &plan.header)
        if not cnp.PyArray_IS_C_CONTIGUOUS(array):
            message.contiguous = False
            for axis in range(plan.header.ndim):
                message.strides[axis] = array.strides[axis] // itemsize
        return message

    @property
    def shape(self):
        """Length of each dimension."""
        return header_shape(&self.header)

    @property
    def ndim(self):
        """Number of dimensions."""
        return self.header.ndim

    @property
    def dtype(self):
        """NumPy's dtype of one item."""
        self.usable()
        return <object>array_descriptor(self.header.dtype)

    @property
    def nbytes(self):
        """Bytes of the data, without the header."""
        return <Py_ssize_t>self.header.data_nbytes

    @property
    def readonly(self):
        """Whether the data may not be changed: true of every received message."""
        self.usable()
        return self.block.readonly

    @property
    def frame_id(self):
        """Name of the coordinate frame; at most 63 bytes of UTF-8."""
        return (<bytes>self.header.frame_id).decode()

    @frame_id.setter
    def frame_id(self, str name not None):
        self.settable()
        encoded = name.encode()
        if len(encoded) >= ARRAY_FRAME_ID_BYTES or 0 in encoded:
            raise ValueError(
                f"frame_id {name!r} has {len(encoded)} bytes; it may have {ARRAY_FRAME_ID_BYTES - 1} and no NUL"
            )
        memset(self.header.frame_id, 0, ARRAY_FRAME_ID_BYTES)
        memcpy(self.header.frame_id, <char *>encoded, len(encoded))

    @property
    def timestamp_ns(self):
        """The user's own time stamp, in nanoseconds; 0 until set."""
        return self.header.timestamp_ns

    @timestamp_ns.setter
    def timestamp_ns(self, uint64_t stamp):
        self.settable()
        self.header.timestamp_ns = stamp

    @property
    def _depth_scale(self):
        return self.header.depth_scale

    @_depth_scale.setter
    def _depth_scale(self, double scale):
        self.settable()
        self.header.depth_scale = scale

    @property
    def _encoding(self):
        self.usable()
        return (<bytes>array_encodings[self.header.encoding].name).decode()

    cdef object view(self):
        self.usable()
        cdef int flags = cnp.NPY_ARRAY_CARRAY_RO if self.block.readonly else cnp.NPY_ARRAY_CARRAY
        cdef cnp.npy_intp strides[ARRAY_MAX_DIMS]
        cdef cnp.npy_intp *bytes_apart = NULL
        cdef int axis
        if not self.contiguous:
            for axis in range(self.header.ndim):
                strides[axis] = self.strides[axis] * array_dtypes[self.header.dtype].itemsize
            bytes_apart = strides
            flags &= cnp.NPY_ARRAY_WRITEABLE
        cdef PyObject *descriptor = array_descriptor(self.header.dtype)
        Py_INCREF(<object>descriptor)
        array = PyArray_NewFromDescr(&PyArray_Type, <PyArray_Descr *>descriptor, self.header.ndim, <cnp.npy_intp *>self.header.shape,
                                     bytes_apart, self.data, flags, NULL)
        cnp.set_array_base(array, self)
        return array

    def to_numpy(self):
        """The data as an ndarray, without a copy: read-only when the message was received. It keeps the message alive.

        ForkedTopicError in a forked child of the process that received the message."""
        return self.view()

    def __array__(self, dtype=None, *, copy=None):
        array = self.view()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is not None and not copy:
                raise ValueError(f"{array.dtype} cannot become {np.dtype(dtype)} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __getbuffer__(self, Py_buffer *view, int flags):
        self.usable()
        name = type(self).__name__
        if flags & PyBUF_WRITABLE == PyBUF_WRITABLE and self.block.readonly:
            raise BufferError(f"this {name} is read-only: ask for a read-only buffer or take a copy()")
        if flags & PyBUF_STRIDES != PyBUF_STRIDES or flags & PyBUF_C_CONTIGUOUS == PyBUF_C_CONTIGUOUS:
            if not self.contiguous:
                raise BufferError(f"this {name} lies in memory with gaps: take a copy()")
        if flags & PyBUF_F_CONTIGUOUS == PyBUF_F_CONTIGUOUS and self.header.ndim > 1:
            raise BufferError(f"this {name} is in C order")
        fill_buffer(self, view, flags)

    def __releasebuffer__(self, Py_buffer *view):
        free(view.internal)

    def __dlpack_device__(self):
        """``(1, 0)``: DLPack's name for memory of the CPU."""
        return DL_CPU, 0

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=ABSENT, copy=ABSENT):
        """A DLPack capsule over the data, by the array API standard 2023.12.

        A read-only message gives its memory itself, marked read-only, to NumPy alone, which honours the mark. NumPy is
        known by passing `dl_device` and `copy` even where they are None. Every other consumer gets memory of its own
        that shows the same bytes: a copy-on-write mapping, or a copy where there is none.
        Raises BufferError for a stream, a device other than the CPU, or `copy=False` where only a copy would do.
        """
        cdef bint versioned = max_version is not None and max_version[0] >= 1
        # torch.from_dlpack leaves out what it was not given: both present may be either, one of them None is NumPy.
        cdef bint marked = versioned and dl_device is not ABSENT and copy is not ABSENT
        cdef bint shared = marked and (dl_device is None or copy is None)
        if stream is not None:
            raise BufferError(f"memory of the CPU has no stream, found stream={stream!r}")
        if dl_device is not ABSENT and dl_device is not None and tuple(dl_device) != (DL_CPU, 0):
            raise BufferError(f"an array message lies in memory of the CPU, (1, 0), not on device {tuple(dl_device)}")
        self.usable()
        if copy is ABSENT or copy is None:
            return self.export(versioned, marked, shared, True)
        return copied_capsule(self, versioned) if copy else self.export(versioned, marked, shared, False)

    cdef object export(self, bint versioned, bint marked, bint shared, bint may_copy):
        cdef char *private
        if not self.block.readonly:
            return make_capsule(self, self.data, versioned, 0)
        if shared:
            return make_capsule(self, self.data, versioned, DL_READ_ONLY)
        private = self.block.private_address()
        if private != self.block.address:
            return make_capsule(self, private + (self.data - self.block.address), versioned, DL_READ_ONLY if marked else 0)
        if may_copy:
            return copied_capsule(self, versioned)
        raise BufferError(f"this {type(self).__name__} is read-only: this consumer needs a copy of it")

    def copy(self):
        """The same message in memory of its own, on the heap and writable."""
        self.usable()
        cdef ArrayMessage twin = array_new(type(self))
        cdef Block block = heap_block(<Py_ssize_t>self.header.data_nbytes)
        place(twin, block, block.address, &self.header)
        copy_data(self, block.address)
        return twin

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        self.usable()
        written = PyBytes_FromStringAndSize(NULL, array_nbytes(self))
        array_write(self, <char *>written)
        return unpickle, (type(self), written)

    def __len__(self):
        if self.header.ndim == 0:
            raise TypeError(f"a {type(self).__name__} without dimensions has no length")
        return self.header.shape[0]

    def __getitem__(self, key):
        return self.view()[key]

    def __setitem__(self, key, value):
        self._check_writable()
        self.view()[key] = value

    def _check_writable(self):
        """ValueError when the data may not be changed."""
        self.usable()
        self.settable()
        if self.block.readonly:
            raise ValueError(f"this {type(self).__name__} stands on read-only memory: change a copy() of it")


cdef ArrayMessage array_new(type cls):
    """An instance of `cls` that has no data yet; __init__ is not called."""
    return <ArrayMessage>(<PyTypeObject *>cls).tp_new(<PyTypeObject *>cls, <PyObject *>(), NULL)


cdef bint same_shape(cnp.ndarray array, ArrayHeader *header) noexcept:
    cdef int axis
    if array.ndim != header.ndim:
        return False
    for axis in range(header.ndim):
        if array.shape[axis] != header.shape[axis]:
            return False
    return True


cdef void place(ArrayMessage message, Block block, char *data, ArrayHeader *header) noexcept:
    message.block = block
    message.data = data
    message.contiguous = True
    message.header = header[0]
    array_c_strides(&message.header, message.strides)


cdef int copy_data(ArrayMessage message, char *destination) except -1:
    cdef Py_ssize_t nbytes = <Py_ssize_t>message.header.data_nbytes
    cdef char *data = message.data
    cdef PyObject *descriptor = array_descriptor(message.header.dtype)
    if not message.contiguous:
        Py_INCREF(<object>descriptor)
        target = PyArray_NewFromDescr(&PyArray_Type, <PyArray_Descr *>descriptor, message.header.ndim,
                                      <cnp.npy_intp *>message.header.shape, NULL, destination, cnp.NPY_ARRAY_CARRAY, NULL)
        return cnp.PyArray_CopyInto(target, message.view())
    if nbytes < COPY_WITHOUT_GIL:
        memcpy(destination, data, nbytes)
    else:
        with nogil:
            memcpy(destination, data, nbytes)
    return 0


cdef int fill_buffer(ArrayMessage message, Py_buffer *view, int flags) except -1:
    cdef int axis
    cdef Py_ssize_t *strides
    view.itemsize = array_dtypes[message.header.dtype].itemsize
    strides = <Py_ssize_t *>malloc(ARRAY_MAX_DIMS * sizeof(Py_ssize_t))
    if strides == NULL:
        raise MemoryError
    for axis in range(message.header.ndim):
        strides[axis] = message.strides[axis] * view.itemsize
    view.internal = strides
    view.buf = message.data
    view.obj = message
    view.len = <Py_ssize_t>message.header.data_nbytes
    view.readonly = message.block.readonly
    view.ndim = message.header.ndim
    view.format = <char *>array_dtypes[message.header.dtype].format if flags & PyBUF_FORMAT else NULL
    view.shape = <Py_ssize_t *>message.header.shape if flags & PyBUF_ND else NULL
    view.strides = strides if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
    view.suboffsets = NULL
    return 0


cdef object make_capsule(ArrayMessage message, char *data, bint versioned, uint64_t flags):
    cdef DLTensor tensor
    cdef const ArrayDtype *dtype = &array_dtypes[message.header.dtype]
    tensor.data = data
    tensor.device.device_type = DL_CPU
    tensor.device.device_id = 0
    tensor.ndim = message.header.ndim
    tensor.dtype.code = dtype.dl_code
    tensor.dtype.bits = <uint8_t>(dtype.itemsize * 8)
    tensor.dtype.lanes = 1
    tensor.shape = message.header.shape
    tensor.strides = message.strides
    tensor.byte_offset = 0
    if versioned:
        return dl_capsule_versioned(&tensor, message, flags)
    return dl_capsule(&tensor, message)


cdef object copied_capsule(ArrayMessage message, bint versioned):
    cdef ArrayMessage twin = message.copy()
    return make_capsule(twin, twin.data, versioned, DL_IS_COPIED)


def unpickle(type cls not None, bytes written not None):
    """The message that `written`, header and data, is of, in memory of its own. ValueError when it is none of `cls`."""
    cdef Block block = heap_block(len(written))
    memcpy(block.address, <char *>written, len(written))
    message = array_open(block)
    if type(message) is not cls:
        raise ValueError(f"what is pickled here is no {cls.__name__}")
    return message


cdef ArrayMessage array_open(Block block):
    """The message that lies in `block`: header, then data. ValueError when its header cannot be believed."""
    cdef ArrayHeader header
    cdef const char *problem
    cdef ArrayMessage message
    block.check_process()
    if <size_t>block.address % ARRAY_ALIGNMENT:
        raise ValueError(f"a block of arrays begins at a multiple of {ARRAY_ALIGNMENT} bytes")
    if block.nbytes < ARRAY_HEADER_BYTES:
        raise ValueError(f"a block of {block.nbytes} bytes cannot hold an array header of {ARRAY_HEADER_BYTES}")
    memcpy(&header, block.address, ARRAY_HEADER_BYTES)
    problem = array_header_problem(&header, block.nbytes - ARRAY_HEADER_BYTES)
    if problem != NULL:
        raise ValueError(f"a block of {block.nbytes} bytes holds no array message: {(<bytes>problem).decode()}")
    if classes[header.kind] == NULL:
        raise ValueError(f"array kind {header.kind} has no class here: import horus_runner.messages first")
    message = array_new(<type>classes[header.kind])
    place(message, block, block.address + ARRAY_HEADER_BYTES, &header)
    message.received = block.readonly
    return message


cdef ArrayMessage array_on(Block block, type cls, ArrayPlan plan):
    """A new message whose data will lie in `block`, behind room for its header. What lay there stays until written."""
    cdef ArrayMessage message
    block.check_process()
    if <size_t>block.address % ARRAY_ALIGNMENT:
        raise ValueError(f"a block of arrays begins at a multiple of {ARRAY_ALIGNMENT} bytes")
    if block.nbytes < ARRAY_HEADER_BYTES + <Py_ssize_t>plan.header.data_nbytes:
        raise ValueError(f"the array needs {plan.nbytes} bytes, its block has {block.nbytes}")
    if <PyObject *>cls != classes[plan.header.kind] and not issubclass(cls, <type>classes[plan.header.kind]):
        raise TypeError(f"{cls.__name__} does not hold what was planned")
    message = array_new(cls)
    place(message, block, block.address + ARRAY_HEADER_BYTES, &plan.header)
    return message


cdef Py_ssize_t array_nbytes(ArrayMessage message):
    """Bytes that a block needs for the message: header and data."""
    return ARRAY_HEADER_BYTES + <Py_ssize_t>message.header.data_nbytes


cdef int array_write(ArrayMessage message, char *destination) except -1:
    """Write header and data to `destination`, which has room for array_nbytes()."""
    message.usable()
    memcpy(destination, &message.header, ARRAY_HEADER_BYTES)
    return copy_data(message, destination + ARRAY_HEADER_BYTES)


cdef int array_write_header(ArrayMessage message, char *destination) except -1:
    """Write the header alone: the data of a loan is in place already."""
    message.usable()
    memcpy(destination, &message.header, ARRAY_HEADER_BYTES)
    return 0
