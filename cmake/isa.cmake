# onefold_isa_sources(LEVEL file...): adds files to the core, compiled with the
# flags of an ISA level (avx2, avx512, neon), and defines ONEFOLD_HAVE_<LEVEL>
# for the core. Does nothing where the target processor or the compiler lacks
# the level. No other file of the library is compiled with such flags.
include(CheckCCompilerFlag)

set(onefold_flags_avx2 -mavx2 -mfma)
set(onefold_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma
    -mprefer-vector-width=512)
set(onefold_flags_neon "")
if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # scheduling before register allocation spills the 7x3 tile
  set(onefold_flags_neon -fno-schedule-insns)
endif()
# Where GCC runs out of integer registers it keeps integers in vector and mask
# registers, and on their way back they wait behind all the multiply-adds. Tuned for
# Haswell it takes the stack, which is nearer on every processor.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND onefold_flags_avx2 -mtune=haswell)
  list(APPEND onefold_flags_avx512 -mtune=haswell)
endif()
set(onefold_processors_avx2 "^(x86_64|AMD64|amd64)$")
set(onefold_processors_avx512 "^(x86_64|AMD64|amd64)$")
set(onefold_processors_neon "^(aarch64|arm64)$")

function(onefold_isa_sources level)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "${onefold_processors_${level}}")
    return()
  endif()
  string(TOUPPER ${level} upper)
  string(REPLACE ";" " " flags "${onefold_flags_${level}}")
  check_c_compiler_flag("${flags}" ONEFOLD_COMPILES_${upper})
  if(NOT ONEFOLD_COMPILES_${upper})
    return()
  endif()
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(onefold_core PRIVATE ${ARGN})
  set_source_files_properties(${ARGN} TARGET_DIRECTORY onefold_core
    PROPERTIES COMPILE_OPTIONS "${onefold_flags_${level}}")
  target_compile_definitions(onefold_core PRIVATE ONEFOLD_HAVE_${upper})
endfunction()
