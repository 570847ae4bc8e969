add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wswitch-enum -Wformat=2 -Wundef -Wcast-align -Werror)
