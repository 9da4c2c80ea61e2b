/*
 * Fused multiply-adds on Mesa's driver for CPUs.
 *
 * lavapipe takes fma() apart into a product and a sum, whatever the processor has, and lets LLVM fuse nothing: half of
 * what the processor could do. No setting changes that. But the driver builds its code by LLVM's C interface, from a
 * shared library, and what a program itself defines goes before what its libraries define, as with malloc(). So here is
 * LLVMBuildFAdd(): it builds a fused multiply-add where one of the terms is a product of 32-bit floats, and else asks
 * LLVM's own. Vulkan allows a driver to contract so.
 *
 * A driver that brings its own LLVM inside never calls this: it is slower then, and nothing else. Programs export the
 * symbol by the link option in compute/meson.build.
 */
#include "compute/vulkan/private.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* LLVM's C interface as far as it is used here (llvm-c/Core.h, LLVM 8 and later); the numbers are part of its ABI. */
typedef struct llvm_context llvm_context;
typedef struct llvm_module llvm_module;
typedef struct llvm_builder llvm_builder;
typedef struct llvm_block llvm_block;
typedef struct llvm_value llvm_value;
typedef struct llvm_type llvm_type;

enum { OPCODE_FMUL = 13, OPCODE_BITCAST = 41, KIND_FLOAT = 2, KIND_VECTOR = 13 };

static struct {
    llvm_value *(*build_fadd)(llvm_builder *, llvm_value *, llvm_value *, const char *);
    llvm_value *(*build_call)(llvm_builder *, llvm_type *, llvm_value *, llvm_value **, unsigned, const char *);
    llvm_value *(*is_instruction)(llvm_value *);
    int (*opcode)(llvm_value *);
    llvm_value *(*operand)(llvm_value *, unsigned);
    llvm_type *(*type_of)(llvm_value *);
    int (*kind)(llvm_type *);
    llvm_type *(*element)(llvm_type *);
    llvm_context *(*context)(llvm_type *);
    llvm_block *(*block)(llvm_builder *);
    llvm_value *(*function)(llvm_block *);
    llvm_module *(*module)(llvm_value *);
    unsigned (*intrinsic)(const char *, size_t);
    llvm_value *(*declaration)(llvm_module *, unsigned, llvm_type **, size_t);
    llvm_type *(*intrinsic_type)(llvm_context *, unsigned, llvm_type **, size_t);
} llvm;

static bool complete; /* all of these are there */
static bool fuses;    /* it is wanted, and the processor can */

llvm_value *LLVMBuildFAdd(llvm_builder *builder, llvm_value *left, llvm_value *right, const char *name);

/* In the driver, which called: it links to LLVM, the program does not. */
static _Thread_local const void *caller;

static void load_llvm(void)
{
    static const struct {
        void *at;
        const char *name;
    } functions[] = {
        {&llvm.build_fadd, "LLVMBuildFAdd"},
        {&llvm.build_call, "LLVMBuildCall2"},
        {&llvm.is_instruction, "LLVMIsAInstruction"},
        {&llvm.opcode, "LLVMGetInstructionOpcode"},
        {&llvm.operand, "LLVMGetOperand"},
        {&llvm.type_of, "LLVMTypeOf"},
        {&llvm.kind, "LLVMGetTypeKind"},
        {&llvm.element, "LLVMGetElementType"},
        {&llvm.context, "LLVMGetTypeContext"},
        {&llvm.block, "LLVMGetInsertBlock"},
        {&llvm.function, "LLVMGetBasicBlockParent"},
        {&llvm.module, "LLVMGetGlobalParent"},
        {&llvm.intrinsic, "LLVMLookupIntrinsicID"},
        {&llvm.declaration, "LLVMGetIntrinsicDeclaration"},
        {&llvm.intrinsic_type, "LLVMIntrinsicGetType"},
    };
    Dl_info driver;
    void *library = dladdr(caller, &driver) != 0 ? dlopen(driver.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    complete = true;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        /* In the driver and in what it links to, so not here. */
        void *symbol = library != NULL ? dlsym(library, functions[i].name) : NULL;
        if (symbol == NULL && i == 0) {
            log_error("cannot find the LLVM that the Vulkan driver for CPUs calls: install Mesa's driver anew");
            abort();
        }
        complete = complete && symbol != NULL;
        *(void **)functions[i].at = symbol;
    }
}

/* The instruction that makes a value; the driver keeps its floats as integers in between. */
static llvm_value *origin(llvm_value *value)
{
    while (llvm.is_instruction(value) != NULL && llvm.opcode(value) == OPCODE_BITCAST) {
        value = llvm.operand(value, 0);
    }
    return llvm.is_instruction(value);
}

static bool is_product(llvm_value *instruction)
{
    return instruction != NULL && llvm.opcode(instruction) == OPCODE_FMUL;
}

__attribute__((visibility("default"))) llvm_value *LLVMBuildFAdd(llvm_builder *builder, llvm_value *left,
                                                                 llvm_value *right, const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    caller = __builtin_return_address(0);
    pthread_once(&once, load_llvm);
    if (!fuses || !complete) {
        return llvm.build_fadd(builder, left, right, name);
    }
    llvm_type *type = llvm.type_of(left);
    bool floats = llvm.kind(llvm.kind(type) == KIND_VECTOR ? llvm.element(type) : type) == KIND_FLOAT;
    /* Of two products the first: fma(a, b, c) comes as a b + c, and where sums begin with a product, c is one too. */
    llvm_value *product = origin(left);
    llvm_value *term = right;
    if (!is_product(product)) {
        product = origin(right);
        term = left;
    }
    if (!floats || !is_product(product) || llvm.type_of(product) != type) {
        return llvm.build_fadd(builder, left, right, name);
    }
    /* The product itself stays for whoever else uses it, or goes as dead code. */
    unsigned fma = llvm.intrinsic("llvm.fma", strlen("llvm.fma"));
    llvm_module *module = llvm.module(llvm.function(llvm.block(builder)));
    llvm_value *arguments[] = {llvm.operand(product, 0), llvm.operand(product, 1), term};
    return llvm.build_call(builder, llvm.intrinsic_type(llvm.context(type), fma, &type, 1),
                           llvm.declaration(module, fma, &type, 1), arguments, 3, name);
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
