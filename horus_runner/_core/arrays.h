/* The header of an array message, as it lies in shared memory, and the check that it may be believed. Plain C11.
 *
 * A block is: ArrayHeader (256 bytes) | data in C order. The header is copied out of shared memory before it is
 * checked, so that what was checked is what is used, whatever the other process does meanwhile.
 */
#ifndef HORUS_ARRAYS_H
#define HORUS_ARRAYS_H

#include <stdint.h>
#include <stddef.h>
#include <string.h>

#define ARRAY_MAGIC 0x31595241u /* "ARY1" in memory on a little-endian machine; another layout gets another digit */
#define ARRAY_HEADER_BYTES 256
#define ARRAY_MAX_DIMS 8
#define ARRAY_FRAME_ID_BYTES 64 /* with the closing NUL */

enum { ARRAY_IMAGE = 1, ARRAY_POINT_CLOUD, ARRAY_DEPTH_IMAGE, ARRAY_TENSOR, ARRAY_KINDS };

typedef struct {
    uint32_t magic;
    uint8_t kind;
    uint8_t dtype;    /* index into array_dtypes */
    uint8_t encoding; /* index into array_encodings; 0 for all but images */
    uint8_t ndim;
    int64_t shape[ARRAY_MAX_DIMS];
    uint64_t data_nbytes; /* product of shape and item size */
    uint64_t timestamp_ns;
    double depth_scale; /* metres a unit; 1.0 where it means nothing */
    char frame_id[ARRAY_FRAME_ID_BYTES];
    uint8_t reserved[96];
} ArrayHeader;

_Static_assert(sizeof(ArrayHeader) == ARRAY_HEADER_BYTES, "the header's size is part of the format");
_Static_assert(offsetof(ArrayHeader, shape) == 8 && offsetof(ArrayHeader, frame_id) == 96, "no padding");
_Static_assert(sizeof(void *) == 8, "shapes are handed to NumPy as they lie here");

typedef struct {
    const char *name;
    const char *format; /* struct module; 'L' rather than 'Q', so that NumPy calls it uint64 */
    uint8_t itemsize;
    uint8_t dl_code; /* DLDataTypeCode */
} ArrayDtype;

enum { ARRAY_BOOL = 1, ARRAY_U8, ARRAY_U16, ARRAY_U32, ARRAY_U64, ARRAY_I8, ARRAY_I16, ARRAY_I32, ARRAY_I64,
       ARRAY_F16, ARRAY_F32, ARRAY_F64, ARRAY_C64, ARRAY_C128, ARRAY_DTYPES };

static const ArrayDtype array_dtypes[ARRAY_DTYPES] = {
    [ARRAY_BOOL] = {"bool", "?", 1, 6},
    [ARRAY_U8] = {"uint8", "B", 1, 1},    [ARRAY_U16] = {"uint16", "H", 2, 1},
    [ARRAY_U32] = {"uint32", "I", 4, 1},  [ARRAY_U64] = {"uint64", "L", 8, 1},
    [ARRAY_I8] = {"int8", "b", 1, 0},     [ARRAY_I16] = {"int16", "h", 2, 0},
    [ARRAY_I32] = {"int32", "i", 4, 0},   [ARRAY_I64] = {"int64", "l", 8, 0},
    [ARRAY_F16] = {"float16", "e", 2, 2}, [ARRAY_F32] = {"float32", "f", 4, 2},
    [ARRAY_F64] = {"float64", "d", 8, 2},
    [ARRAY_C64] = {"complex64", "Zf", 8, 5}, [ARRAY_C128] = {"complex128", "Zd", 16, 5},
};

typedef struct {
    const char *name;
    uint8_t dtype;
    uint8_t channels;
} ArrayEncoding;

enum { ARRAY_ENCODINGS = 12 };

static const ArrayEncoding array_encodings[ARRAY_ENCODINGS] = {
    [0] = {"", 0, 0},
    [1] = {"rgb8", ARRAY_U8, 3},     [2] = {"bgr8", ARRAY_U8, 3},     [3] = {"rgba8", ARRAY_U8, 4},
    [4] = {"bgra8", ARRAY_U8, 4},    [5] = {"mono8", ARRAY_U8, 1},    [6] = {"mono16", ARRAY_U16, 1},
    [7] = {"mono32f", ARRAY_F32, 1}, [8] = {"rgb32f", ARRAY_F32, 3},  [9] = {"yuv422", ARRAY_U8, 2},
    [10] = {"bayer_rggb8", ARRAY_U8, 1}, [11] = {"depth16", ARRAY_U16, 1},
};

/* Bytes that shape and dtype take, or -1 when a dimension is negative or the product is above 2^62. */
static inline int64_t array_data_nbytes(const ArrayHeader *h) {
    int64_t bytes = array_dtypes[h->dtype].itemsize;
    int empty = 0;
    for (int i = 0; i < h->ndim; i++) {
        if (h->shape[i] < 0) return -1;
        if (h->shape[i] == 0) empty = 1;
        else if (__builtin_mul_overflow(bytes, h->shape[i], &bytes)) return -1;
    }
    if (bytes > INT64_MAX / 2) return -1;
    return empty ? 0 : bytes;
}

static inline const char *array_image_problem(const ArrayHeader *h) {
    if (h->encoding == 0 || h->encoding >= ARRAY_ENCODINGS) return "its encoding is none that exists";
    const ArrayEncoding *e = &array_encodings[h->encoding];
    if (h->dtype != e->dtype) return "its dtype is not its encoding's";
    if (h->ndim != (e->channels == 1 ? 2 : 3) || (h->ndim == 3 && h->shape[2] != e->channels))
        return "its number of channels is not its encoding's";
    if (h->shape[0] == 0 || h->shape[1] == 0) return "it has no pixels";
    return NULL;
}

/* What is wrong with a header (copied out of the block) whose data has `available` bytes of room; NULL when it is sound. */
static inline const char *array_header_problem(const ArrayHeader *h, int64_t available) {
    if (h->magic != ARRAY_MAGIC) return "it does not begin with an array header of this version";
    if (h->kind == 0 || h->kind >= ARRAY_KINDS) return "its kind is none that exists";
    if (h->dtype == 0 || h->dtype >= ARRAY_DTYPES) return "its dtype is none that exists";
    if (h->ndim > ARRAY_MAX_DIMS) return "it has more than 8 dimensions";
    if (h->frame_id[ARRAY_FRAME_ID_BYTES - 1] != 0) return "its frame_id does not end";
    int64_t bytes = array_data_nbytes(h);
    if (bytes < 0) return "its shape is impossible";
    if ((uint64_t)bytes != h->data_nbytes) return "its size is not that of its shape and dtype";
    if (bytes > available) return "its data is larger than its block";
    if (h->kind == ARRAY_IMAGE) return array_image_problem(h);
    if (h->kind == ARRAY_POINT_CLOUD && h->ndim != 2) return "a point cloud has 2 dimensions";
    if (h->kind == ARRAY_DEPTH_IMAGE && (h->ndim != 2 || (h->dtype != ARRAY_F32 && h->dtype != ARRAY_U16)))
        return "a depth image has 2 dimensions of float32 or uint16";
    return NULL;
}

/* Strides of C order, counted in items. */
static inline void array_c_strides(const ArrayHeader *h, int64_t *strides) {
    int64_t step = 1;
    for (int i = h->ndim - 1; i >= 0; i--) {
        strides[i] = step;
        step *= h->shape[i] ? h->shape[i] : 1;
    }
}

#endif
