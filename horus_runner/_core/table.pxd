from horus_runner._core.mapping cimport Mapping
from horus_runner._core.ring_h cimport hh_histogram, hr_header

cdef hr_header *header_of(Mapping mapping, Py_ssize_t file_bytes) except NULL
cdef str text_of(const char *stored)
cdef object quantiles(hh_histogram *histogram)
