/*
 * Writing a variable in a loop. Lanes that have left the loop keep what they have: with registers of 16 lanes the
 * driver writes (new & mask) | (old & ~mask), an instruction of its own for every write. As a choice by lane LLVM makes
 * it part of the instruction that computes the new value, which leaves such lanes as they are. The mask is known by the
 * name that the driver gives it; its lanes are all ones or all zeros.
 */
#include "compute/vulkan/cpu_driver/masked_write.h"

#include <string.h>

enum { MASKING_LANES = 16 };

static bool is_mask(llvm_value *value)
{
    static const char name[] = "maskfull";
    size_t length;
    const char *found = llvm.GetValueName2(value, &length);
    return length >= sizeof name - 1 && memcmp(found, name, sizeof name - 1) == 0 &&
           rewriting_lanes(llvm.TypeOf(value)) == MASKING_LANES;
}

static bool is_negation(llvm_value *value, llvm_value *mask)
{
    return llvm_is(value, LLVM_XOR) && llvm.GetOperand(value, 0) == mask &&
           llvm.GetOperand(value, 1) == llvm.ConstAllOnes(llvm.TypeOf(mask));
}

/* new, mask and old of store((new & mask) | (old & ~mask), p), where old is what was at p. */
struct masked_write {
    llvm_value *merged, *new, *mask, *old;
};

static bool match(llvm_value *store, struct masked_write *write)
{
    if (!llvm_is(store, LLVM_STORE) || !llvm_is(llvm.GetOperand(store, 0), LLVM_OR)) {
        return false;
    }
    write->merged = llvm.GetOperand(store, 0);
    llvm_value *kept = llvm.GetOperand(write->merged, 0);
    llvm_value *left = llvm.GetOperand(write->merged, 1);
    if (!llvm_is(kept, LLVM_AND) || !llvm_is(left, LLVM_AND)) {
        return false;
    }
    write->new = llvm.GetOperand(kept, 0);
    write->mask = llvm.GetOperand(kept, 1);
    write->old = llvm.GetOperand(left, 0);
    return is_mask(write->mask) && is_negation(llvm.GetOperand(left, 1), write->mask) &&
           llvm_is(write->old, LLVM_LOAD) && llvm.GetOperand(write->old, 0) == llvm.GetOperand(store, 1);
}

/* As numbers of the kind that they were computed as, or LLVM would not see that it is one instruction. */
static void replace(const struct rewriting *rewriting, const struct masked_write *write)
{
    llvm_builder *builder = rewriting->builder;
    llvm.PositionBuilderBefore(builder, write->merged);
    llvm_type *type = llvm.TypeOf(write->merged);
    llvm_value *computed = llvm_without_casts(write->new);
    if (rewriting_lanes(llvm.TypeOf(computed)) != MASKING_LANES) {
        computed = write->new;
    }
    llvm_value *old = llvm.BuildBitCast(builder, write->old, llvm.TypeOf(computed), "");
    llvm_value *stays = llvm.BuildICmp(builder, LLVM_SIGNED_LESS, write->mask, llvm.ConstNull(type), "");
    llvm_value *chosen = llvm.BuildSelect(builder, stays, computed, old, "");
    llvm.ReplaceAllUsesWith(write->merged, llvm.BuildBitCast(builder, chosen, type, ""));
}

unsigned masked_write_rewrite(const struct rewriting *rewriting, llvm_block *block)
{
    unsigned count = 0;
    struct masked_write write;
    for (llvm_value *next = llvm.GetFirstInstruction(block); next != NULL; next = llvm.GetNextInstruction(next)) {
        if (match(next, &write)) {
            replace(rewriting, &write);
            count++;
        }
    }
    return count;
}
