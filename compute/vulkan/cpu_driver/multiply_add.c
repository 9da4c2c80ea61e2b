/*
 * Fused multiply-adds on Mesa's driver for CPUs, which takes fma() apart into a product and a sum, whatever the
 * processor has, and lets LLVM fuse nothing: half of what the processor could do. No setting changes it. So here is an
 * LLVMBuildFAdd() (llvm.h tells how it comes to be called) that builds a fused multiply-add where one of the terms is a
 * product of 32-bit floats. Vulkan allows a driver to contract so; what a shader calls precise is contracted too, for
 * LLVM is not told: the same in all kernels that compute the same.
 */
#include "compute/vulkan/cpu_driver/cpu_driver.h"

#include <stdlib.h>
#include <string.h>

#include "compute/vulkan/cpu_driver/llvm.h"

static _Atomic bool fuses; /* it is wanted, and the processor can */

llvm_value *LLVMBuildFAdd(llvm_builder *builder, llvm_value *left, llvm_value *right, const char *name);

__attribute__((visibility("default"))) llvm_value *LLVMBuildFAdd(llvm_builder *builder, llvm_value *left,
                                                                 llvm_value *right, const char *name)
{
    if (!llvm_find(__builtin_return_address(0), "LLVMBuildFAdd") || !fuses) {
        return llvm.BuildFAdd(builder, left, right, name);
    }
    llvm_type *type = llvm.TypeOf(left);
    bool floats = llvm.GetTypeKind(type) == LLVM_KIND_FLOAT || llvm_is_vector(type, LLVM_KIND_FLOAT);
    /* Of two products the first: fma(a, b, c) comes as a b + c, and where sums begin with a product, c is one too. */
    llvm_value *product = llvm_without_casts(left);
    llvm_value *term = right;
    if (!llvm_is(product, LLVM_FMUL)) {
        product = llvm_without_casts(right);
        term = left;
    }
    if (!floats || !llvm_is(product, LLVM_FMUL) || llvm.TypeOf(product) != type) {
        return llvm.BuildFAdd(builder, left, right, name);
    }
    /* The product itself stays for whoever else uses it, or goes as dead code. */
    unsigned fma = llvm.LookupIntrinsicID("llvm.fma", strlen("llvm.fma"));
    llvm_module *module = llvm.GetGlobalParent(llvm.GetBasicBlockParent(llvm.GetInsertBlock(builder)));
    llvm_value *arguments[] = {llvm.GetOperand(product, 0), llvm.GetOperand(product, 1), term};
    return llvm.BuildCall2(builder, llvm.IntrinsicGetType(llvm.GetTypeContext(type), fma, &type, 1),
                           llvm.GetIntrinsicDeclaration(module, fma, &type, 1), arguments, 3, name);
}

void cpu_driver_fuse(void)
{
    const char *wanted = getenv("LEMNOS_FMA");
    bool has = false;
#if defined(__x86_64__)
    __builtin_cpu_init();
    has = __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    has = true;
#endif
    fuses = has && (wanted == NULL || strcmp(wanted, "off") != 0);
}

bool cpu_driver_fuses(void)
{
    return fuses;
}
