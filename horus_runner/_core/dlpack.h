/* DLPack 1.0: the binary interface (https://dmlc.github.io/dlpack/latest/c_api.html), and capsules over a Python object.
 *
 * A capsule's tensor owns one reference to the object that its memory belongs to. The consumer, on any thread, with or
 * without the GIL, gives it back by the deleter; a capsule that nobody consumed gives it back when it dies.
 */
#ifndef HORUS_DLPACK_H
#define HORUS_DLPACK_H

#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

#define DL_CPU 1
#define DL_READ_ONLY 1u /* DLPACK_FLAG_BITMASK_READ_ONLY */
#define DL_IS_COPIED 2u /* DLPACK_FLAG_BITMASK_IS_COPIED */

typedef struct { int32_t device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code; uint8_t bits; uint16_t lanes; } DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides; /* in items */
    uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
    DLTensor dl_tensor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

typedef struct { uint32_t major; uint32_t minor; } DLPackVersion;

typedef struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
} DLManagedTensorVersioned;

/* Gives back the reference. At the end of the interpreter a thread that does not hold the GIL can never get it again:
 * the process is about to go, and the reference with it. */
static void dl_release_owner(void *owner) {
    if (owner == NULL || !Py_IsInitialized()) return;
#if PY_VERSION_HEX >= 0x030D0000
    int finalizing = Py_IsFinalizing();
#else
    int finalizing = _Py_IsFinalizing();
#endif
    if (finalizing && !PyGILState_Check()) return;
    PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF((PyObject *)owner);
    PyGILState_Release(state);
}

static void dl_delete(DLManagedTensor *self) {
    void *owner = self->manager_ctx;
    free(self);
    dl_release_owner(owner);
}

static void dl_delete_versioned(DLManagedTensorVersioned *self) {
    void *owner = self->manager_ctx;
    free(self);
    dl_release_owner(owner);
}

/* A consumer renames the capsule to "used_...": then the tensor is no longer ours to delete. */
static void dl_capsule_end(PyObject *capsule) {
    if (!PyCapsule_IsValid(capsule, "dltensor")) return;
    DLManagedTensor *managed = PyCapsule_GetPointer(capsule, "dltensor");
    managed->deleter(managed);
}

static void dl_capsule_end_versioned(PyObject *capsule) {
    if (!PyCapsule_IsValid(capsule, "dltensor_versioned")) return;
    DLManagedTensorVersioned *managed = PyCapsule_GetPointer(capsule, "dltensor_versioned");
    managed->deleter(managed);
}

static PyObject *dl_capsule(const DLTensor *tensor, PyObject *owner) {
    DLManagedTensor *managed = malloc(sizeof *managed);
    if (managed == NULL) return PyErr_NoMemory();
    managed->dl_tensor = *tensor;
    managed->manager_ctx = owner;
    managed->deleter = dl_delete;
    PyObject *capsule = PyCapsule_New(managed, "dltensor", dl_capsule_end);
    if (capsule == NULL) free(managed);
    else Py_INCREF(owner);
    return capsule;
}

static PyObject *dl_capsule_versioned(const DLTensor *tensor, PyObject *owner, uint64_t flags) {
    DLManagedTensorVersioned *managed = malloc(sizeof *managed);
    if (managed == NULL) return PyErr_NoMemory();
    managed->version = (DLPackVersion){1, 0};
    managed->manager_ctx = owner;
    managed->deleter = dl_delete_versioned;
    managed->flags = flags;
    managed->dl_tensor = *tensor;
    PyObject *capsule = PyCapsule_New(managed, "dltensor_versioned", dl_capsule_end_versioned);
    if (capsule == NULL) free(managed);
    else Py_INCREF(owner);
    return capsule;
}

#endif
