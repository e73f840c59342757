"""Makes lib<NAME>.a, which stands in for a shared library when a program is linked.

Each of its functions jumps through a slot. At the first call the real library is opened and every slot filled; what it does
not have, or all of them where there is no library, returns a fixed number, which the caller takes for an error. So a program
starts without the library, and finds out when it asks for a device. For x86-64 Linux.

usage: stand_in.py FOLDER NAME SONAME ABSENT (--header HEADER | --library FILE)
"""

import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define COUNT @COUNT@
extern void *stand_in_@NAME@_slots[COUNT];
static const char *const names[COUNT] = { @NAMES@ };
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int absent(void) { return @ABSENT@; }

/* Programs print the text of an error: of this one too. */
static int told(int error, const char **text) {
    (void)error;
    *text = "@SONAME@ was not found";
    return 0;
}

@SETUP@static void *stand_in(const char *name) {
    const char *const texts[] = { "cuGetErrorName", "cuGetErrorString" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!__builtin_strcmp(name, texts[i])) return (void *)told;
    return (void *)absent;
}

static void fill(void) {
    void *library = dlopen("@SONAME@", RTLD_NOW | RTLD_GLOBAL);
    for (size_t i = 0; i < COUNT; i++) {
        void *found = library ? dlsym(library, names[i]) : NULL;
        stand_in_@NAME@_slots[i] = found ? found : library ? (void *)absent : stand_in(names[i]);
    }
}

__attribute__((visibility("hidden"))) void *stand_in_@NAME@_resolve(size_t slot) {
    pthread_once(&once, fill);
    return stand_in_@NAME@_slots[slot];
}
"""

# The driver numbers cards by speed unless told otherwise; what lists them for the user numbers them by their slots. Before
# main, when there is one thread.
SETUP = r"""
__attribute__((constructor)) static void number_cards_by_slot(void) {
    setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0);
}

"""

# Keeps every register that arguments come in; r11 is free between a call and its target.
COMMON = """
    .text
    .type stand_in_@NAME@_first,@function
stand_in_@NAME@_first:
    .cfi_startproc
    push %rbp
    mov %rsp, %rbp
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %r8
    push %r9
    push %rax
    push %r10
    sub $128, %rsp
    and $-16, %rsp
    movups %xmm0, (%rsp)
    movups %xmm1, 16(%rsp)
    movups %xmm2, 32(%rsp)
    movups %xmm3, 48(%rsp)
    movups %xmm4, 64(%rsp)
    movups %xmm5, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
    mov %r11, %rdi
    call stand_in_@NAME@_resolve
    mov %rax, %r11
    movups (%rsp), %xmm0
    movups 16(%rsp), %xmm1
    movups 32(%rsp), %xmm2
    movups 48(%rsp), %xmm3
    movups 64(%rsp), %xmm4
    movups 80(%rsp), %xmm5
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    lea -64(%rbp), %rsp
    pop %r10
    pop %rax
    pop %r9
    pop %r8
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    pop %rbp
    jmp *%r11
    .cfi_endproc
"""

FUNCTION = """
    .globl @FUNCTION@
    .type @FUNCTION@,@function
@FUNCTION@:
    jmp *stand_in_@NAME@_slots+@OFFSET@(%rip)
stand_in_@NAME@_first_@SLOT@:
    mov $@SLOT@, %r11d
    jmp stand_in_@NAME@_first
"""

SLOTS = """
    .data
    .globl stand_in_@NAME@_slots
    .hidden stand_in_@NAME@_slots
    .balign 8
stand_in_@NAME@_slots:
@SLOTS@
    .section .note.GNU-stack,"",@progbits
"""


def filled(template, **values):
    for name, value in values.items():
        template = template.replace(f"@{name}@", str(value))
    return template


def in_header(path):
    """Whatever may be a function of the driver: a name too many costs eight bytes."""
    text = pathlib.Path(path).read_text()
    return re.findall(r"\bcu[A-Z][A-Za-z0-9]*(?:_[a-z0-9]+)*\b", text)


def in_library(path):
    listed = subprocess.run(["nm", "-D", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    columns = (line.split() for line in listed.splitlines())
    return [line[-1].split("@")[0] for line in columns if len(line) == 3 and line[1] in "TWi"]


def main(folder, name, soname, absent, kind, path):
    functions = sorted(set(in_header(path) if kind == "--header" else in_library(path)))
    source = filled(
        SOURCE, NAME=name, SONAME=soname, ABSENT=absent, COUNT=len(functions), NAMES=", ".join(f'"{one}"' for one in functions),
        SETUP=SETUP if name == "cuda" else "",
    )
    slots = "\n".join(f"    .quad stand_in_{name}_first_{slot}" for slot in range(len(functions)))
    assembly = filled(COMMON, NAME=name) + "".join(
        filled(FUNCTION, NAME=name, FUNCTION=one, SLOT=slot, OFFSET=8 * slot) for slot, one in enumerate(functions)
    )
    assembly += filled(SLOTS, NAME=name, SLOTS=slots)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "look.c").write_text(source)
        (scratch / "jump.s").write_text(assembly)
        for file in ("look.c", "jump.s"):
            command = ["cc", "-O2", "-fPIC", "-Wall", "-Wextra", "-c", "-o", scratch / f"{file}.o", scratch / file]
            subprocess.run(command, check=True)
        archive = pathlib.Path(folder) / f"lib{name}.a"
        subprocess.run(["ar", "rcs", archive, scratch / "look.c.o", scratch / "jump.s.o"], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 7 or sys.argv[5] not in ("--header", "--library"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
