# The libraries that --peers compares with. Those that are not there at build time say so when they
# are asked for; scripts of the others are built into the program.
option(ONEFOLD_PEERS "Build in the peers of the benchmarks whose libraries are here" ON)

target_sources(onefold_bench PRIVATE peers/child.c peers/child_make.c
  peers/child_net.c peers/ort.c peers/peer.c peers/torch.c)

set(have_dnnl 0)
set(have_xnnpack 0)
if(ONEFOLD_PEERS AND NOT CMAKE_CROSSCOMPILING)
  find_path(DNNL_INCLUDE oneapi/dnnl/dnnl_version.h)
  find_library(DNNL_LIBRARY dnnl)
  if(DNNL_INCLUDE AND DNNL_LIBRARY AND ONEFOLD_OPENMP)
    # Version 3 has another C API.
    file(STRINGS ${DNNL_INCLUDE}/oneapi/dnnl/dnnl_version.h version REGEX "DNNL_VERSION_MAJOR 2")
    if(version)
      set(have_dnnl 1)
    endif()
  endif()
  find_path(XNNPACK_INCLUDE xnnpack.h)
  find_library(XNNPACK_LIBRARY XNNPACK)
  find_library(PTHREADPOOL_LIBRARY pthreadpool)
  if(XNNPACK_INCLUDE AND XNNPACK_LIBRARY AND PTHREADPOOL_LIBRARY)
    # Later versions set an operator up in two steps.
    file(STRINGS ${XNNPACK_INCLUDE}/xnnpack.h later REGEX "xnn_reshape_convolution2d_nhwc_f32")
    if(NOT later)
      set(have_xnnpack 1)
    endif()
  endif()
endif()
if(have_dnnl)
  target_sources(onefold_bench PRIVATE peers/onednn.c peers/onednn_conv.c peers/onednn_tensor.c
    peers/onednn_net.c peers/onednn_net_channels.c peers/onednn_net_conv.c peers/onednn_net_memory.c peers/onednn_net_nodes.c
    peers/onednn_net_ways.c)
  target_link_libraries(onefold_bench PRIVATE ${DNNL_LIBRARY} OpenMP::OpenMP_C)
endif()
if(have_xnnpack)
  target_sources(onefold_bench PRIVATE peers/xnnpack.c)
  target_link_libraries(onefold_bench PRIVATE ${XNNPACK_LIBRARY} ${PTHREADPOOL_LIBRARY})
endif()
target_compile_definitions(onefold_bench PRIVATE ONEFOLD_HAVE_DNNL=${have_dnnl}
  ONEFOLD_HAVE_XNNPACK=${have_xnnpack})

# Each script as the initialiser of an array of characters, ended by 0.
foreach(script ort.js torch.py)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS peers/${script})
  file(READ peers/${script} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}00")
  file(CONFIGURE OUTPUT scripts/bench/peers/${script}.h CONTENT "${bytes}\n" @ONLY)
endforeach()
target_include_directories(onefold_bench PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/scripts)
