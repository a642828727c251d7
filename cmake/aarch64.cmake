# Cross build for 64-bit Arm with Debian's compiler; libraries from its multiarch
# packages (libjansson-dev:arm64, libcmocka-dev:arm64, libgomp1:arm64); tests run
# under qemu-user. No -L: the loader of the cross compiler's own C library does not
# go with the multiarch packages' libc, and threads hang where the two are mixed.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
