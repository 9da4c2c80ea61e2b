#include "compute/vulkan/cpu_driver/rewriting.h"

#include <string.h>

#include "base/log.h"

static _Atomic bool cannot; /* the LLVM does not understand the functions */

static const char *find_text(const char *name)
{
    const struct cpu_driver_function *function = cpu_driver_functions;
    while (strcmp(function->name, name) != 0) {
        function++;
    }
    return function->text;
}

llvm_value *rewriting_function(const struct rewriting *rewriting, const char *name)
{
    llvm_value *there = llvm.GetNamedFunction(rewriting->module, name);
    if (there != NULL) {
        return there;
    }
    const char *text = find_text(name);
    llvm_text *buffer = llvm.CreateMemoryBufferWithMemoryRangeCopy(text, strlen(text), name);
    llvm_module *parsed;
    char *message;
    if (llvm.ParseIRInContext(llvm.GetModuleContext(rewriting->module), buffer, &parsed, &message) != 0) {
        log_debug("the driver's LLVM does not understand %s, so kernels load and store lane by lane: %s", name,
                  message);
        llvm.DisposeMessage(message);
        cannot = true;
        return NULL;
    }
    llvm.SetDataLayout(parsed, llvm.GetDataLayoutStr(rewriting->module));
    return llvm.LinkModules2(rewriting->module, parsed) == 0 ? llvm.GetNamedFunction(rewriting->module, name) : NULL;
}

unsigned rewriting_lanes(llvm_type *type)
{
    bool words = llvm_is_vector(type, LLVM_KIND_FLOAT) ||
                 (llvm_is_vector(type, LLVM_KIND_INTEGER) && llvm.GetIntTypeWidth(llvm.GetElementType(type)) == 32);
    if (!words) {
        return 0;
    }
    unsigned size = llvm.GetVectorSize(type);
    return size == 8 || size == 16 ? size : 0;
}

llvm_value *rewriting_call(const struct rewriting *rewriting, llvm_value *function, llvm_value **arguments,
                           unsigned count)
{
    return llvm.BuildCall2(rewriting->builder, llvm.GlobalGetValueType(function), function, arguments, count, "");
}

bool rewriting_can(void)
{
    return !cannot;
}
