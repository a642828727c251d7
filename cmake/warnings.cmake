add_compile_options(-Wall -Wextra -Wshadow -Wvla)
if(ONEFOLD_WERROR)
  add_compile_options(-Werror)
endif()
