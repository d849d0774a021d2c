/** What the allocators of the C++ library, of ONNX Runtime, of CUDA, and of cuBLAS and cuDNN say. */
const outOfMemory = /bad[ _]alloc|failed to allocate|out of memory|STATUS_ALLOC_FAILED/i;
/** What ONNX Runtime says when a call of CUDA, cuBLAS or cuDNN fails: a card that is gone, or a context that is broken. */
const deviceFailed = /\b(CUDA|CUBLAS|CUDNN) (failure|error) -?\d+/i;

/** Tells what is to blame for a failed run: the memory, the device, or what it is called `otherwise`. */
export function failureCode(message: string, otherwise: string): string {
  if (outOfMemory.test(message)) return "out_of_memory";
  return deviceFailed.test(message) ? "device_failed" : otherwise;
}
