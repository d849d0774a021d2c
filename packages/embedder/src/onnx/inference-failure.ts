/** Messages of the allocators of the C++ library, ONNX Runtime, CUDA, cuBLAS and cuDNN. */
const outOfMemory = /bad[ _]alloc|failed to allocate|out of memory|STATUS_ALLOC_FAILED/i;
/** ONNX Runtime's message for a failed call of CUDA, cuBLAS or cuDNN: the GPU has failed or its context is broken. */
const deviceFailed = /\b(CUDA|CUBLAS|CUDNN) (failure|error) -?\d+/i;

/** Classifies a failed run by its message: out of memory, device failed, or `otherwise`. */
export function failureCode(message: string, otherwise: string): string {
  if (outOfMemory.test(message)) return "out_of_memory";
  return deviceFailed.test(message) ? "device_failed" : otherwise;
}
