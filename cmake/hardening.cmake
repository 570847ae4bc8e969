# What a daemon that meets strangers is built with. _FORTIFY_SOURCE needs an optimised build and
# does not go with the sanitizers, which check more.
add_compile_options(-fstack-protector-strong -fno-common -fno-plt)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
if(CPNI_SANITIZE)
    add_compile_options(-fsanitize=${CPNI_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CPNI_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
