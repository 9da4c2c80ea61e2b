#include "compute/vulkan/cpu_driver/llvm.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"

struct llvm_functions llvm;

static bool complete;

/* In the driver, which called: it links to LLVM, the program does not. */
static _Thread_local const void *called_from;
static _Thread_local const char *called;

static void *find(void *library, const char *name)
{
    /* In the driver and in what it links to, so not what the program defines. */
    void *symbol = library != NULL ? dlsym(library, name) : NULL;
    if (symbol == NULL && complete) {
        log_debug("the driver's LLVM has no %s: kernels stay as the driver makes them", name);
    }
    complete = complete && symbol != NULL;
    return symbol;
}

static void find_all(void)
{
    Dl_info driver;
    void *library = dladdr(called_from, &driver) != 0 ? dlopen(driver.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    complete = true;
#define LLVM_FIND(result, name, parameters) *(void **)&llvm.name = find(library, "LLVM" #name);
    LLVM_FUNCTIONS(LLVM_FIND)
#undef LLVM_FIND
    if (library == NULL || dlsym(library, called) == NULL) {
        log_error("cannot find the LLVM that the Vulkan driver for CPUs calls: install Mesa's driver anew");
        abort();
    }
}

bool llvm_find(const void *caller, const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    called_from = caller;
    called = name;
    pthread_once(&once, find_all);
    return complete;
}

bool llvm_is(llvm_value *value, enum llvm_opcode opcode)
{
    return llvm.IsAInstruction(value) != NULL && llvm.GetInstructionOpcode(value) == (int)opcode;
}

bool llvm_writes(llvm_value *value)
{
    static const enum llvm_opcode writing[] = {LLVM_STORE, LLVM_CALL, LLVM_FENCE, LLVM_COMPARE_EXCHANGE,
                                               LLVM_READ_MODIFY_WRITE};
    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++) {
        if (llvm_is(value, writing[i])) {
            return true;
        }
    }
    return false;
}

bool llvm_is_vector(llvm_type *type, enum llvm_kind kind)
{
    return llvm.GetTypeKind(type) == LLVM_KIND_VECTOR && llvm.GetTypeKind(llvm.GetElementType(type)) == (int)kind;
}

llvm_value *llvm_without_casts(llvm_value *value)
{
    while (llvm_is(value, LLVM_BITCAST)) {
        value = llvm.GetOperand(value, 0);
    }
    return value;
}
