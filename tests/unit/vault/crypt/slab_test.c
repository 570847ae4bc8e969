/* Proves: slab memory is zeroed, aligned, between guard pages, empty in a child, and refuses to
 * pretend that it is locked. */
#include "vault/crypt/slab.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct slab *made(void)
{
    struct slab *s;
    cr_assert_eq(slab_new(false, &s), OK);
    return s;
}

Test(slab, gives_zeroed_aligned_memory_that_does_not_overlap)
{
    struct slab *s = made();
    uint8_t *a = slab_alloc(s, 100), *b = slab_alloc(s, 3 * 4096), *c = slab_alloc(s, 1);
    cr_assert(a && b && c);
    cr_expect_eq((uintptr_t)b % SLAB_ALIGN_BYTES, 0);
    cr_expect(b >= a + 100 && c >= b + 3 * 4096);
    for (size_t i = 0; i < 3 * 4096; i++)
        cr_assert_eq(b[i], 0);
    memset(b, 0xff, 3 * 4096);
    cr_expect_eq(a[99], 0);
    cr_expect_eq(*c, 0);
    slab_free(s);
}

Test(slab, has_an_end)
{
    struct slab *s = made();
    cr_expect_null(slab_alloc(s, (size_t)SLAB_BYTES_MAX + 1));
    cr_expect_null(slab_alloc(s, SIZE_MAX));
    cr_expect_not_null(slab_alloc(s, 4096));
    cr_expect_null(slab_alloc(s, SLAB_BYTES_MAX));
    slab_free(s);
}

/* What a child that touches the byte gets. */
static int fate_of_reading(const volatile uint8_t *p)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* not the sanitizer's handler */
        _exit(*p);
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

Test(slab, stands_between_guard_pages)
{
    struct slab *s = made();
    uint8_t *p = slab_alloc(s, 4096);
    cr_expect(WIFEXITED(fate_of_reading(p)));
    cr_expect(WIFSIGNALED(fate_of_reading(p - 1)));
    cr_expect(WIFSIGNALED(fate_of_reading(p + 4096)));
    slab_free(s);
}

Test(slab, is_empty_in_a_child)
{
    struct slab *s = made();
    uint8_t *p = slab_alloc(s, 64);
    *p = 77;
    int status = fate_of_reading(p);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child inherits no key");
    cr_expect_eq(*p, 77);
    slab_free(s);
}

/* "dd" = not dumped, "lo" = locked, "wf" = wiped on fork: proc(5), VmFlags. */
static bool mapping_has(const void *p, const char *flag)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false, found = false;
    while (f && fgets(line, sizeof line, f)) {
        unsigned long low, high;
        if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
            inside = (uintptr_t)p >= low && (uintptr_t)p < high;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    if (f)
        fclose(f);
    return found;
}

Test(slab, is_locked_and_left_out_of_core_dumps)
{
    struct slab *s = made();
    uint8_t *p = slab_alloc(s, 64);
    cr_expect(mapping_has(p, " dd"));
    cr_expect(mapping_has(p, " wf"));
    cr_expect_eq(mapping_has(p, " lo"), slab_locked(s));
    slab_free(s);
}

Test(slab, says_when_memory_cannot_be_locked)
{
    struct rlimit none = {0, 0};
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        cr_skip_test("root locks whatever the limit");
    struct slab *s;
    cr_assert_eq(slab_new(true, &s), OK);
    cr_expect_null(slab_alloc(s, 64));
    slab_free(s);
    s = made();
    cr_expect_not_null(slab_alloc(s, 64));
    cr_expect_not(slab_locked(s));
    slab_free(s);
}
