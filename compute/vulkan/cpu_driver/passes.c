#include "compute/vulkan/cpu_driver/passes.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "compute/vulkan/cpu_driver/cpu_driver.h"

static _Atomic bool wanted;
static _Atomic bool cannot; /* the LLVM does not understand our functions */
static _Atomic unsigned kernels, loads, stores;

void *LLVMRunPasses(llvm_module *module, const char *passes, void *machine, void *options);

static const char *find_text(const char *name)
{
    const struct cpu_driver_function *function = cpu_driver_functions;
    while (strcmp(function->name, name) != 0) {
        function++;
    }
    return function->text;
}

llvm_value *passes_function(const struct passes *passes, const char *name)
{
    llvm_value *there = llvm.GetNamedFunction(passes->module, name);
    if (there != NULL) {
        return there;
    }
    const char *text = find_text(name);
    llvm_text *buffer = llvm.CreateMemoryBufferWithMemoryRangeCopy(text, strlen(text), name);
    llvm_module *parsed;
    char *message;
    if (llvm.ParseIRInContext(llvm.GetModuleContext(passes->module), buffer, &parsed, &message) != 0) {
        log_debug("the driver's LLVM does not understand %s, so kernels load and store lane by lane: %s", name,
                  message);
        llvm.DisposeMessage(message);
        cannot = true;
        return NULL;
    }
    llvm.SetDataLayout(parsed, llvm.GetDataLayoutStr(passes->module));
    return llvm.LinkModules2(passes->module, parsed) == 0 ? llvm.GetNamedFunction(passes->module, name) : NULL;
}

unsigned passes_lanes(llvm_type *type)
{
    bool words = llvm_is_vector(type, LLVM_KIND_FLOAT) ||
                 (llvm_is_vector(type, LLVM_KIND_INTEGER) && llvm.GetIntTypeWidth(llvm.GetElementType(type)) == 32);
    if (!words) {
        return 0;
    }
    unsigned size = llvm.GetVectorSize(type);
    return size == 8 || size == 16 ? size : 0;
}

llvm_value *passes_call(const struct passes *passes, llvm_value *function, llvm_value **arguments, unsigned count)
{
    return llvm.BuildCall2(passes->builder, llvm.GlobalGetValueType(function), function, arguments, count, "");
}

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
    struct passes passes = {
        .module = module, .builder = llvm.CreateBuilderInContext(context), .i32 = llvm.Int32TypeInContext(context)};
    for (llvm_value *function = llvm.GetFirstFunction(module); function != NULL;
         function = llvm.GetNextFunction(function)) {
        if (is_ours(function)) {
            continue;
        }
        for (llvm_block *block = llvm.GetFirstBasicBlock(function); block != NULL;
             block = llvm.GetNextBasicBlock(block)) {
            loads += vector_load_rewrite(&passes, block);
            stores += vector_store_rewrite(&passes, block);
        }
    }
    llvm.DisposeBuilder(passes.builder);
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
    bool does = llvm_find(__builtin_return_address(0), "LLVMRunPasses") && wanted && !cannot &&
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

const char *cpu_driver_version_of(void)
{
    return wanted || cpu_driver_fuses() ? cpu_driver_version : NULL;
}

struct cpu_driver_counts cpu_driver_count(void)
{
    return (struct cpu_driver_counts){.kernels = kernels, .loads = loads, .stores = stores};
}
