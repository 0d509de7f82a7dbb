/* One field of a message: how its bytes become a Python object and back.
 *
 * A table of these describes a message class. Kinds up to FIELD_BYTES are read and written here; arrays and
 * nested messages need NumPy and the Record type and are in records.pyx. Comparison needs neither and is all here.
 */
#ifndef HORUS_FIELDS_H
#define HORUS_FIELDS_H

#include <Python.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum field_kind {
    FIELD_BOOL, FIELD_I8, FIELD_I16, FIELD_I32, FIELD_I64, FIELD_U8, FIELD_U16, FIELD_U32, FIELD_U64,
    FIELD_F32, FIELD_F64, /* scalars, in this order in KINDS of records.pyx */
    FIELD_STR,            /* UTF-8, padded with NUL */
    FIELD_BYTES,          /* exactly `size` bytes */
    FIELD_ARRAY,          /* `count` items of kind `item` */
    FIELD_BOUNDED,        /* u32 number of items in use, then at +`values` room for `count` of kind `item` */
    FIELD_RECORD          /* a message: `nfields` of `fields` */
};

typedef struct field {
    int kind, item, ndim;
    Py_ssize_t offset, size;      /* bytes, in the record */
    Py_ssize_t count, itemsize;   /* arrays: items, and bytes of each */
    Py_ssize_t values;            /* bounded arrays: bytes from `offset` to the first item */
    Py_ssize_t shape[8];
    const struct field *fields;   /* nested message */
    Py_ssize_t nfields;
    PyObject *name, *place;       /* "linear", "CmdVel.linear"; these and `type` are kept alive by the Layout */
    PyObject *type;               /* nested: its class; arrays: the NumPy dtype of an item */
} field_t;

static const char *const field_kind_names[] = {
    "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"};

static const struct { long long low; unsigned long long high; } field_ranges[] = {
    {0, 1}, {INT8_MIN, INT8_MAX}, {INT16_MIN, INT16_MAX}, {INT32_MIN, INT32_MAX}, {INT64_MIN, INT64_MAX},
    {0, UINT8_MAX}, {0, UINT16_MAX}, {0, UINT32_MAX}, {0, UINT64_MAX}};

#define FIELD_LOAD(type, convert) { type x; memcpy(&x, p, sizeof x); return convert(x); }

/* A new object for the field in the record at `data`. */
static inline PyObject *field_load(const field_t *f, const char *data)
{
    const char *p = data + f->offset;
    switch (f->kind) {
    case FIELD_F32: FIELD_LOAD(float, PyFloat_FromDouble)
    case FIELD_F64: FIELD_LOAD(double, PyFloat_FromDouble)
    case FIELD_U64: FIELD_LOAD(uint64_t, PyLong_FromUnsignedLongLong)
    case FIELD_I64: FIELD_LOAD(int64_t, PyLong_FromLongLong)
    case FIELD_U32: FIELD_LOAD(uint32_t, PyLong_FromUnsignedLong)
    case FIELD_I32: FIELD_LOAD(int32_t, PyLong_FromLong)
    case FIELD_U16: FIELD_LOAD(uint16_t, PyLong_FromLong)
    case FIELD_I16: FIELD_LOAD(int16_t, PyLong_FromLong)
    case FIELD_U8: FIELD_LOAD(uint8_t, PyLong_FromLong)
    case FIELD_I8: FIELD_LOAD(int8_t, PyLong_FromLong)
    case FIELD_BOOL: return PyBool_FromLong(*p != 0);
    case FIELD_STR: return PyUnicode_DecodeUTF8(p, (Py_ssize_t)strnlen(p, (size_t)f->size), NULL);
    case FIELD_BYTES: return PyBytes_FromStringAndSize(p, f->size);
    }
    PyErr_SetString(PyExc_SystemError, "a field of this kind is not read here");
    return NULL;
}

static inline int field_wrong_type(const field_t *f, const char *wanted, PyObject *value)
{
    PyErr_Format(PyExc_TypeError, "%U takes %s, not %.100s %.100R", f->place, wanted, Py_TYPE(value)->tp_name, value);
    return -1;
}

/* The text of a failed conversion is the converter's own unless it only says that the type is wrong. */
static inline int field_not_a_number(const field_t *f, const char *wanted, PyObject *value)
{
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
    PyErr_Clear();
    return field_wrong_type(f, wanted, value);
}

static inline int field_integer(const field_t *f, PyObject *value, uint64_t *out)
{
    int overflow;
    PyObject *number = PyNumber_Index(value); /* of an int: the int itself */
    if (number == NULL) return field_not_a_number(f, "an int", value);
    long long x = PyLong_AsLongLongAndOverflow(number, &overflow);
    unsigned long long high = field_ranges[f->kind].high;
    int fits = overflow == 0 && x >= field_ranges[f->kind].low && (x < 0 || (unsigned long long)x <= high);
    *out = (uint64_t)x;
    if (overflow > 0 && high == UINT64_MAX) {
        *out = PyLong_AsUnsignedLongLong(number);
        fits = !PyErr_Occurred();
        PyErr_Clear();
    }
    if (!fits) {
        PyErr_Format(PyExc_ValueError, "%U: %.100R is outside %s, which holds %lld to %llu", f->place, number,
                     field_kind_names[f->kind], field_ranges[f->kind].low, high);
    }
    Py_DECREF(number);
    return fits ? 0 : -1;
}

static inline int field_double(const field_t *f, PyObject *value, double *out)
{
    if (PyFloat_CheckExact(value)) {
        *out = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    *out = PyFloat_AsDouble(value);
    if (*out == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "%U: %.100R is outside %s", f->place, value, field_kind_names[f->kind]);
            return -1;
        }
        return field_not_a_number(f, "a float", value);
    }
    return 0;
}

static inline int field_store_float(const field_t *f, char *p, PyObject *value)
{
    double wide;
    if (field_double(f, value, &wide) < 0) return -1;
    if (f->kind == FIELD_F64) {
        memcpy(p, &wide, sizeof wide);
        return 0;
    }
    float narrow = (float)wide;
    if (isinf(narrow) && !isinf(wide)) {
        PyErr_Format(PyExc_ValueError, "%U: %.100R is outside f32, which holds up to 3.4e38", f->place, value);
        return -1;
    }
    memcpy(p, &narrow, sizeof narrow);
    return 0;
}

static inline int field_store_bool(const field_t *f, char *p, PyObject *value)
{
    const char *type = Py_TYPE(value)->tp_name;
    int truth;
    if (value == Py_True || value == Py_False) truth = value == Py_True;
    else if (strcmp(type, "numpy.bool") == 0 || strcmp(type, "numpy.bool_") == 0) truth = PyObject_IsTrue(value);
    else return field_wrong_type(f, "a bool", value);
    if (truth < 0) return -1;
    *p = (char)truth;
    return 0;
}

static inline int field_store_str(const field_t *f, char *p, PyObject *value)
{
    Py_ssize_t length;
    if (!PyUnicode_Check(value)) return field_wrong_type(f, "a str", value);
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (text == NULL) return -1;
    if (length > f->size) {
        PyErr_Format(PyExc_ValueError, "%U holds %zd bytes of UTF-8, and %.100R takes %zd", f->place, f->size, value, length);
        return -1;
    }
    if (memchr(text, 0, (size_t)length) != NULL) {
        PyErr_Format(PyExc_ValueError, "%U: %.100R contains a NUL character, which ends a text field", f->place, value);
        return -1;
    }
    memcpy(p, text, (size_t)length);
    memset(p + length, 0, (size_t)(f->size - length));
    return 0;
}

static inline int field_store_bytes(const field_t *f, char *p, PyObject *value)
{
    Py_buffer view;
    if (!PyObject_CheckBuffer(value)) return field_wrong_type(f, "bytes", value);
    if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) < 0) return -1;
    int fits = view.len == f->size;
    if (fits) memmove(p, view.buf, (size_t)view.len);
    else PyErr_Format(PyExc_ValueError, "%U holds exactly %zd bytes, not %zd", f->place, f->size, view.len);
    PyBuffer_Release(&view);
    return fits ? 0 : -1;
}

/* Writes a kind up to FIELD_BYTES; on error nothing is written. */
static inline int field_store(const field_t *f, char *data, PyObject *value)
{
    char *p = data + f->offset;
    uint64_t number;
    switch (f->kind) {
    case FIELD_F32: case FIELD_F64: return field_store_float(f, p, value);
    case FIELD_BOOL: return field_store_bool(f, p, value);
    case FIELD_STR: return field_store_str(f, p, value);
    case FIELD_BYTES: return field_store_bytes(f, p, value);
    }
    if (field_integer(f, value, &number) < 0) return -1;
    switch (f->size) {
    case 1: { uint8_t x = (uint8_t)number; memcpy(p, &x, 1); return 0; }
    case 2: { uint16_t x = (uint16_t)number; memcpy(p, &x, 2); return 0; }
    case 4: { uint32_t x = (uint32_t)number; memcpy(p, &x, 4); return 0; }
    default: memcpy(p, &number, 8); return 0;
    }
}

/* `n` items, floats by value (a NaN equals nothing, -0.0 equals 0.0), all else by its bytes. */
static inline int field_items_equal(int kind, Py_ssize_t bytes, const char *a, const char *b)
{
    if (kind == FIELD_F32) {
        for (Py_ssize_t i = 0; i < bytes; i += 4) {
            float x, y;
            memcpy(&x, a + i, 4);
            memcpy(&y, b + i, 4);
            if (x != y) return 0;
        }
        return 1;
    }
    if (kind == FIELD_F64) {
        for (Py_ssize_t i = 0; i < bytes; i += 8) {
            double x, y;
            memcpy(&x, a + i, 8);
            memcpy(&y, b + i, 8);
            if (x != y) return 0;
        }
        return 1;
    }
    return memcmp(a, b, (size_t)bytes) == 0;
}

/* The number of items in use; -1 with an exception when the bytes (another process wrote them) claim more than fit. */
static inline Py_ssize_t field_used(const field_t *f, const char *data)
{
    uint32_t used;
    memcpy(&used, data + f->offset, sizeof used);
    if (used > f->count) {
        PyErr_Format(PyExc_ValueError, "%U claims %u items and has room for %zd", f->place, used, f->count);
        return -1;
    }
    return used;
}

/* Whether two records hold the same values; -1 with an exception. */
static inline int fields_equal(const field_t *fields, Py_ssize_t nfields, const char *a, const char *b)
{
    for (const field_t *f = fields; f < fields + nfields; f++) {
        const char *x = a + f->offset, *y = b + f->offset;
        int same;
        if (f->kind == FIELD_RECORD) {
            same = fields_equal(f->fields, f->nfields, x, y);
        } else if (f->kind == FIELD_BOUNDED) {
            Py_ssize_t m = field_used(f, a), n = field_used(f, b);
            if (m < 0 || n < 0) return -1;
            same = m == n && field_items_equal(f->item, m * f->itemsize, x + f->values, y + f->values);
        } else {
            same = field_items_equal(f->kind == FIELD_ARRAY ? f->item : f->kind, f->size, x, y);
        }
        if (same != 1) return same;
    }
    return 1;
}

#endif
