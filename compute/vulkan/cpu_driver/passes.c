/* Where rewriting begins: LLVM's passes over a kernel that the driver has made. */
#include "compute/vulkan/cpu_driver/rewriting.h"

#include <stdlib.h>
#include <string.h>

#include "compute/vulkan/cpu_driver/cpu_driver.h"
#include "compute/vulkan/cpu_driver/masked_write.h"
#include "compute/vulkan/cpu_driver/vector_load.h"
#include "compute/vulkan/cpu_driver/vector_store.h"

static _Atomic bool wanted;
static _Atomic unsigned kernels, loads, stores, masked_writes;

void *LLVMRunPasses(llvm_module *module, const char *passes, void *machine, void *options);

static bool is_ours(llvm_value *function)
{
    static const char prefix[] = "lemnos.";
    size_t length;
    const char *name = llvm.GetValueName2(function, &length);
    return length >= sizeof prefix - 1 && memcmp(name, prefix, sizeof prefix - 1) == 0;
}

static void rewrite(llvm_module *module)
{
    llvm_context *context = llvm.GetModuleContext(module);
    struct rewriting rewriting = {
        .module = module, .builder = llvm.CreateBuilderInContext(context), .i32 = llvm.Int32TypeInContext(context)};
    for (llvm_value *function = llvm.GetFirstFunction(module); function != NULL;
         function = llvm.GetNextFunction(function)) {
        if (is_ours(function)) {
            continue;
        }
        for (llvm_block *block = llvm.GetFirstBasicBlock(function); block != NULL;
             block = llvm.GetNextBasicBlock(block)) {
            loads += vector_load_rewrite(&rewriting, block);
            stores += vector_store_rewrite(&rewriting, block);
            masked_writes += masked_write_rewrite(&rewriting, block);
        }
    }
    llvm.DisposeBuilder(rewriting.builder);
}

/* Functions that were inlined wherever they were called. */
static void clean(llvm_module *module)
{
    for (const struct cpu_driver_function *function = cpu_driver_functions; function->name != NULL; function++) {
        llvm_value *there = llvm.GetNamedFunction(module, function->name);
        if (there != NULL && llvm.GetFirstUse(there) == NULL) {
            llvm.DeleteFunction(there);
        }
    }
}

__attribute__((visibility("default"))) void *LLVMRunPasses(llvm_module *module, const char *passes, void *machine,
                                                           void *options)
{
    /* Those that inline, which the driver runs first: "default<O0>". */
    static const char inlining[] = "default<";
    bool does = llvm_find(__builtin_return_address(0), "LLVMRunPasses") && wanted && rewriting_can() &&
                strncmp(passes, inlining, sizeof inlining - 1) == 0;
    if (does) {
        kernels++;
        rewrite(module);
    }
    void *result = llvm.RunPasses(module, passes, machine, options);
    if (does) {
        clean(module);
    }
    return result;
}

void cpu_driver_vectorise(void)
{
    const char *set = getenv("LEMNOS_VECTORS");
    wanted = set == NULL || strcmp(set, "off") != 0;
}

bool cpu_driver_vectorises(void)
{
    return wanted;
}

const char *cpu_driver_version(void)
{
    return wanted || cpu_driver_fuses() ? cpu_driver_hash : NULL;
}

struct cpu_driver_counts cpu_driver_count(void)
{
    return (struct cpu_driver_counts){
        .kernels = kernels, .loads = loads, .stores = stores, .masked_writes = masked_writes};
}
