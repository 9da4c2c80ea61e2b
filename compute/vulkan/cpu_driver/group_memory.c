/*
 * Memory of workgroups on Mesa's driver for CPUs. Its kernels take what a workgroup's subgroups keep from malloc(),
 * page aligned, and give it back behind each workgroup: 100 bytes mostly, and a twentieth of a step. The driver tells
 * LLVM by which functions, so here is an LLVMAddGlobalMapping() (llvm.h) that puts others before them, which hand out a
 * piece that each thread has, and ask the driver's own for what is larger.
 */
#include "compute/vulkan/cpu_driver/cpu_driver.h"

#include <string.h>

#include "compute/vulkan/cpu_driver/llvm.h"

enum { PAGE = 4096, OWN_SIZE = 4 * PAGE };

typedef char *take_function(int size);
typedef void give_function(char *memory);

/* The driver's: the same whenever it tells. */
static _Atomic(take_function *) driver_take;
static _Atomic(give_function *) driver_give;

/* A workgroup begins and ends in one thread. */
static _Thread_local _Alignas(PAGE) char own[OWN_SIZE];
static _Thread_local bool own_is_taken;

static _Atomic bool wanted;
static _Atomic unsigned held;

void LLVMAddGlobalMapping(llvm_engine *engine, llvm_value *global, void *address);

static char *take(int size)
{
    /* What a kernel gives back to the driver's function must have come from there. */
    if (own_is_taken || size > OWN_SIZE || driver_give == NULL) {
        return driver_take(size);
    }
    own_is_taken = true;
    return own;
}

static void give(char *memory)
{
    if (memory == own) {
        own_is_taken = false;
    } else {
        driver_give(memory);
    }
}

static bool has_name(llvm_value *global, const char *name)
{
    size_t length;
    const char *found = llvm.GetValueName2(global, &length);
    return length == strlen(name) && memcmp(found, name, length) == 0;
}

__attribute__((visibility("default"))) void LLVMAddGlobalMapping(llvm_engine *engine, llvm_value *global, void *address)
{
    void *used = address;
    if (llvm_find(__builtin_return_address(0), "LLVMAddGlobalMapping") && wanted) {
        if (has_name(global, "coro_malloc")) {
            driver_take = (take_function *)address;
            used = (void *)take;
        } else if (has_name(global, "coro_free")) {
            driver_give = (give_function *)address;
            used = (void *)give;
            held++;
        }
    }
    llvm.AddGlobalMapping(engine, global, used);
}

void cpu_driver_hold_memory(void)
{
    wanted = true;
}

unsigned cpu_driver_held(void)
{
    return held;
}
