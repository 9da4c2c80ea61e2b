/*
 * LLVM as Mesa's driver for CPUs calls it. The driver builds its code by LLVM's C interface, from a shared library, and
 * what a program itself defines goes before what its libraries define, as with malloc(): so the program defines some of
 * LLVM's functions, which do a little more than LLVM's own. Programs export them by the link options in
 * compute/meson.build. A driver that brings an LLVM of its own inside never calls them: it is slower then, and nothing
 * else.
 *
 * Here are LLVM's own functions as far as they are used (headers in llvm-c, LLVM 15), under their names without "LLVM".
 * The numbers are part of LLVM's ABI.
 */
#ifndef COMPUTE_VULKAN_CPU_DRIVER_LLVM_H
#define COMPUTE_VULKAN_CPU_DRIVER_LLVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct llvm_context llvm_context;
typedef struct llvm_engine llvm_engine;
typedef struct llvm_module llvm_module;
typedef struct llvm_builder llvm_builder;
typedef struct llvm_block llvm_block;
typedef struct llvm_value llvm_value;
typedef struct llvm_type llvm_type;
typedef struct llvm_use llvm_use;
typedef struct llvm_text llvm_text;

enum llvm_opcode {
    LLVM_BR = 2,
    LLVM_ADD = 8,
    LLVM_FMUL = 13,
    LLVM_ASHR = 22,
    LLVM_AND = 23,
    LLVM_OR = 24,
    LLVM_XOR = 25,
    LLVM_LOAD = 27,
    LLVM_STORE = 28,
    LLVM_GEP = 29,
    LLVM_SEXT = 32,
    LLVM_BITCAST = 41,
    LLVM_ICMP = 42,
    LLVM_PHI = 44,
    LLVM_CALL = 45,
    LLVM_SELECT = 46,
    LLVM_EXTRACT_ELEMENT = 50,
    LLVM_SHUFFLE_VECTOR = 52,
    LLVM_EXTRACT_VALUE = 53,
    LLVM_FENCE = 55,
    LLVM_COMPARE_EXCHANGE = 56,
    LLVM_READ_MODIFY_WRITE = 57
};
enum llvm_predicate { LLVM_UNSIGNED_GREATER_EQUAL = 35, LLVM_UNSIGNED_LESS = 36, LLVM_SIGNED_LESS = 40 };
enum llvm_kind { LLVM_KIND_FLOAT = 2, LLVM_KIND_INTEGER = 8, LLVM_KIND_VECTOR = 13 };

/* X(result, name, parameters) */
#define LLVM_FUNCTIONS(X)                                                                                              \
    X(llvm_value *, BuildFAdd, (llvm_builder *, llvm_value *, llvm_value *, const char *))                             \
    X(void *, RunPasses, (llvm_module *, const char *, void *machine, void *options))                                  \
    X(void, AddGlobalMapping, (llvm_engine *, llvm_value *, void *))                                                   \
    /* modules, functions, blocks */                                                                                   \
    X(llvm_context *, GetModuleContext, (llvm_module *))                                                               \
    X(const char *, GetDataLayoutStr, (llvm_module *))                                                                 \
    X(void, SetDataLayout, (llvm_module *, const char *))                                                              \
    X(int, ParseIRInContext, (llvm_context *, llvm_text *, llvm_module **, char **message))                            \
    X(llvm_text *, CreateMemoryBufferWithMemoryRangeCopy, (const char *, size_t, const char *name))                    \
    X(void, DisposeMessage, (char *))                                                                                  \
    X(int, LinkModules2, (llvm_module * to, llvm_module * from))                                                       \
    X(llvm_value *, GetNamedFunction, (llvm_module *, const char *))                                                   \
    X(llvm_value *, GetFirstFunction, (llvm_module *))                                                                 \
    X(llvm_value *, GetNextFunction, (llvm_value *))                                                                   \
    X(void, DeleteFunction, (llvm_value *))                                                                            \
    X(llvm_use *, GetFirstUse, (llvm_value *))                                                                         \
    X(const char *, GetValueName2, (llvm_value *, size_t *))                                                           \
    X(llvm_module *, GetGlobalParent, (llvm_value *))                                                                  \
    X(llvm_type *, GlobalGetValueType, (llvm_value *))                                                                 \
    X(llvm_block *, GetFirstBasicBlock, (llvm_value *))                                                                \
    X(llvm_block *, GetNextBasicBlock, (llvm_block *))                                                                 \
    X(llvm_value *, GetBasicBlockParent, (llvm_block *))                                                               \
    X(llvm_value *, GetBasicBlockTerminator, (llvm_block *))                                                           \
    X(llvm_value *, GetFirstInstruction, (llvm_block *))                                                               \
    X(llvm_value *, GetNextInstruction, (llvm_value *))                                                                \
    /* values */                                                                                                       \
    X(llvm_value *, IsAInstruction, (llvm_value *))                                                                    \
    X(llvm_value *, IsAConstantInt, (llvm_value *))                                                                    \
    X(int, IsConstant, (llvm_value *))                                                                                 \
    X(int, IsNull, (llvm_value *))                                                                                     \
    X(int, GetInstructionOpcode, (llvm_value *))                                                                       \
    X(int, GetNumOperands, (llvm_value *))                                                                             \
    X(llvm_value *, GetOperand, (llvm_value *, unsigned))                                                              \
    X(unsigned, GetNumSuccessors, (llvm_value *))                                                                      \
    X(llvm_block *, GetSuccessor, (llvm_value *, unsigned))                                                            \
    X(int, GetICmpPredicate, (llvm_value *))                                                                           \
    X(llvm_value *, IsAConstantDataVector, (llvm_value *))                                                             \
    X(llvm_value *, GetCondition, (llvm_value *))                                                                      \
    X(const unsigned *, GetIndices, (llvm_value *))                                                                    \
    X(unsigned, GetNumMaskElements, (llvm_value *))                                                                    \
    X(int, GetMaskValue, (llvm_value *, unsigned))                                                                     \
    X(unsigned, GetAlignment, (llvm_value *))                                                                          \
    X(llvm_type *, GetGEPSourceElementType, (llvm_value *))                                                            \
    X(unsigned long long, ConstIntGetZExtValue, (llvm_value *))                                                        \
    X(llvm_value *, GetElementAsConstant, (llvm_value *, unsigned))                                                    \
    X(llvm_value *, ConstInt, (llvm_type *, unsigned long long, int))                                                  \
    X(llvm_value *, ConstNull, (llvm_type *))                                                                          \
    X(llvm_value *, ConstAllOnes, (llvm_type *))                                                                       \
    X(void, ReplaceAllUsesWith, (llvm_value *, llvm_value *))                                                          \
    X(void, InstructionEraseFromParent, (llvm_value *))                                                                \
    /* types */                                                                                                        \
    X(llvm_type *, TypeOf, (llvm_value *))                                                                             \
    X(int, GetTypeKind, (llvm_type *))                                                                                 \
    X(llvm_type *, GetElementType, (llvm_type *))                                                                      \
    X(unsigned, GetVectorSize, (llvm_type *))                                                                          \
    X(unsigned, GetIntTypeWidth, (llvm_type *))                                                                        \
    X(llvm_type *, Int32TypeInContext, (llvm_context *))                                                               \
    X(llvm_context *, GetTypeContext, (llvm_type *))                                                                   \
    /* intrinsics */                                                                                                   \
    X(unsigned, LookupIntrinsicID, (const char *, size_t))                                                             \
    X(llvm_value *, GetIntrinsicDeclaration, (llvm_module *, unsigned, llvm_type **, size_t))                          \
    X(llvm_type *, IntrinsicGetType, (llvm_context *, unsigned, llvm_type **, size_t))                                 \
    /* builders */                                                                                                     \
    X(llvm_builder *, CreateBuilderInContext, (llvm_context *))                                                        \
    X(void, DisposeBuilder, (llvm_builder *))                                                                          \
    X(llvm_block *, GetInsertBlock, (llvm_builder *))                                                                  \
    X(void, PositionBuilderBefore, (llvm_builder *, llvm_value *))                                                     \
    X(void, PositionBuilderAtEnd, (llvm_builder *, llvm_block *))                                                      \
    X(llvm_value *, BuildCall2, (llvm_builder *, llvm_type *, llvm_value *, llvm_value **, unsigned, const char *))    \
    X(llvm_value *, BuildBitCast, (llvm_builder *, llvm_value *, llvm_type *, const char *))                           \
    X(llvm_value *, BuildCondBr, (llvm_builder *, llvm_value *, llvm_block *, llvm_block *))                           \
    X(llvm_value *, BuildExtractValue, (llvm_builder *, llvm_value *, unsigned, const char *))                         \
    X(llvm_value *, BuildGEP2, (llvm_builder *, llvm_type *, llvm_value *, llvm_value **, unsigned, const char *))     \
    X(llvm_value *, BuildLoad2, (llvm_builder *, llvm_type *, llvm_value *, const char *))                             \
    X(llvm_value *, BuildLShr, (llvm_builder *, llvm_value *, llvm_value *, const char *))                             \
    X(llvm_value *, BuildICmp, (llvm_builder *, int, llvm_value *, llvm_value *, const char *))                        \
    X(llvm_value *, BuildSelect, (llvm_builder *, llvm_value *, llvm_value *, llvm_value *, const char *))

struct llvm_functions {
#define LLVM_FIELD(result, name, parameters) result(*name) parameters;
    LLVM_FUNCTIONS(LLVM_FIELD)
#undef LLVM_FIELD
};
extern struct llvm_functions llvm;

/*
 * Finds them, once; called first in whatever the driver called, with __builtin_return_address(0). False where one is
 * not there, but for the one of the name that the driver called, without which the program ends here.
 */
bool llvm_find(const void *caller, const char *name);

/* Whether a value is an instruction with this opcode. */
bool llvm_is(llvm_value *value, enum llvm_opcode opcode);
/* Whether it is an instruction that may write to memory. */
bool llvm_writes(llvm_value *value);
/* Whether it is a vector whose elements are of this kind. */
bool llvm_is_vector(llvm_type *type, enum llvm_kind kind);
/* What was cast, perhaps several times: the driver keeps its floats as integers, and others as it likes. */
llvm_value *llvm_without_casts(llvm_value *value);

#endif
