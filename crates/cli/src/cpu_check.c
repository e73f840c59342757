/* The rest of the program is compiled for x86-64-v3 and would die of an illegal instruction on an older processor.
 * This file is not: as a constructor it runs before main and says what is wrong. */
#include <unistd.h>

void cortensor_cpu_check(void) __attribute__((constructor(101)));

static const char message[] =
    "error: this build needs a processor with AVX2, FMA, BMI2 and F16C (Intel since 2013, AMD since 2015).\n"
    "This one has not all of them. Build it from source on this machine, which takes long, with\n"
    "    RUSTFLAGS=\"-C target-cpu=native\" ./dev run\n"
    "It will be several times slower than on a newer processor.\n";

void cortensor_cpu_check(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
        return;
    }
    ssize_t written = write(2, message, sizeof message - 1);
    (void)written;
    _exit(1);
}
