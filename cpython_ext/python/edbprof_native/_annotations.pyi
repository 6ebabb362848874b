# The library that NVTX and ITT load, which knows the runtime once it is imported.
