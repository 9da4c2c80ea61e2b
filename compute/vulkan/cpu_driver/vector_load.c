/*
 * Reading a texel of four floats in every lane. The driver has each lane's offset from a base in a vector, takes them
 * out one by one, loads <4 x i32> at each, and shuffles: first lanes 0, 4, 8 ... side by side, 1, 5, 9 ... and so on,
 * then components from lanes. All that is found by where the loads' addresses come from, and its results by following
 * which lane and component every element of a shuffle is.
 */
#include "compute/vulkan/cpu_driver/vector_load.h"

#include <stdio.h>

enum { COMPONENTS = 4, TEXEL_SIZE = 16, MAX_LANES = 16, MAX_ELEMENTS = 32, MAX_FOLLOWED = 128 };

/* One lane's load. */
struct texel {
    llvm_value *base, *offsets;
    unsigned lane, lanes;
};

static bool is_texel_type(llvm_type *type)
{
    return llvm_is_vector(type, LLVM_KIND_INTEGER) && llvm.GetVectorSize(type) == COMPONENTS &&
           llvm.GetIntTypeWidth(llvm.GetElementType(type)) == 32;
}

/* load <4 x i32> at base + offsets[lane], or + shuffle(offsets)[i] */
static bool match(llvm_value *load, struct texel *texel)
{
    if (!llvm_is(load, LLVM_LOAD) || !is_texel_type(llvm.TypeOf(load)) || llvm.GetAlignment(load) < TEXEL_SIZE) {
        return false;
    }
    llvm_value *address = llvm_without_casts(llvm.GetOperand(load, 0));
    if (!llvm_is(address, LLVM_GEP) || llvm.GetNumOperands(address) != 2 ||
        llvm.GetTypeKind(llvm.GetGEPSourceElementType(address)) != LLVM_KIND_INTEGER ||
        llvm.GetIntTypeWidth(llvm.GetGEPSourceElementType(address)) != 8) {
        return false;
    }
    llvm_value *offset = llvm.GetOperand(address, 1);
    if (!llvm_is(offset, LLVM_EXTRACT_ELEMENT) || llvm.IsAConstantInt(llvm.GetOperand(offset, 1)) == NULL) {
        return false;
    }
    unsigned index = (unsigned)llvm.ConstIntGetZExtValue(llvm.GetOperand(offset, 1));
    *texel = (struct texel){.base = llvm.GetOperand(address, 0), .offsets = llvm.GetOperand(offset, 0), .lane = index};
    if (llvm_is(texel->offsets, LLVM_SHUFFLE_VECTOR)) {
        int from = llvm.GetMaskValue(texel->offsets, index);
        texel->offsets = llvm.GetOperand(texel->offsets, 0);
        if (from < 0) {
            return false;
        }
        texel->lane = (unsigned)from;
    }
    texel->lanes = rewriting_lanes(llvm.TypeOf(texel->offsets));
    return texel->lane < texel->lanes;
}

/* The loads of all lanes, of which `first` is one, without anything between them that could write. */
static bool collect(llvm_value *first, const struct texel *texel, llvm_value *loads[MAX_LANES])
{
    unsigned found = 0;
    for (llvm_value *next = first; next != NULL && found < texel->lanes; next = llvm.GetNextInstruction(next)) {
        struct texel other;
        if (llvm_writes(next)) {
            return false;
        }
        if (match(next, &other) && other.base == texel->base && other.offsets == texel->offsets &&
            loads[other.lane] == NULL) {
            loads[other.lane] = next;
            found++;
        }
    }
    return found == texel->lanes;
}

/* What a value's elements of 32 bits are: lane * COMPONENTS + component, -1 unknown. */
struct followed {
    llvm_value *value;
    int8_t elements[MAX_ELEMENTS];
};

struct trail {
    struct followed all[MAX_FOLLOWED];
    int count;
};

static const struct followed *find(const struct trail *trail, llvm_value *value)
{
    for (int i = trail->count - 1; i >= 0; i--) {
        if (trail->all[i].value == value) {
            return &trail->all[i];
        }
    }
    return NULL;
}

/* Words of 32 bits an element of a vector; 0: other than whole ones. */
static unsigned element_words(llvm_type *type)
{
    if (llvm_is_vector(type, LLVM_KIND_FLOAT)) {
        return 1;
    }
    unsigned width = llvm_is_vector(type, LLVM_KIND_INTEGER) ? llvm.GetIntTypeWidth(llvm.GetElementType(type)) : 0;
    return width % 32 == 0 ? width / 32 : 0;
}

static void follow_shuffle(struct trail *trail, llvm_value *shuffle)
{
    llvm_value *left = llvm.GetOperand(shuffle, 0);
    const struct followed *from[] = {find(trail, left), find(trail, llvm.GetOperand(shuffle, 1))};
    unsigned words = element_words(llvm.TypeOf(shuffle));
    unsigned count = llvm.GetNumMaskElements(shuffle);
    unsigned size = llvm.GetVectorSize(llvm.TypeOf(left));
    if ((from[0] == NULL && from[1] == NULL) || words == 0 || count * words > MAX_ELEMENTS) {
        return;
    }
    struct followed *made = &trail->all[trail->count++];
    made->value = shuffle;
    for (unsigned i = 0; i < count; i++) {
        int element = llvm.GetMaskValue(shuffle, i);
        const struct followed *source = element < 0 ? NULL : from[(unsigned)element >= size];
        for (unsigned word = 0; word < words; word++) {
            made->elements[i * words + word] =
                source == NULL ? -1 : source->elements[(unsigned)element % size * words + word];
        }
    }
}

static void follow(struct trail *trail, llvm_value *value)
{
    if (llvm_is(value, LLVM_SHUFFLE_VECTOR)) {
        follow_shuffle(trail, value);
    } else if (llvm_is(value, LLVM_BITCAST) && element_words(llvm.TypeOf(value)) > 0) {
        const struct followed *from = find(trail, llvm.GetOperand(value, 0));
        if (from != NULL) {
            trail->all[trail->count] = *from;
            trail->all[trail->count++].value = value;
        }
    }
}

/* The component that a value has of all lanes, in order; -1: it is something else. */
static int component_of(const struct followed *followed, const struct texel *texel)
{
    int component = followed->elements[0];
    for (unsigned lane = 0; lane < texel->lanes; lane++) {
        if (followed->elements[lane] != (int)lane * COMPONENTS + component) {
            return -1;
        }
    }
    return component >= 0 && component < COMPONENTS ? component : -1;
}

static void replace(const struct rewriting *rewriting, llvm_value *function, const struct texel *texel,
                    llvm_value *loads[MAX_LANES])
{
    struct trail trail = {.count = 0};
    for (unsigned lane = 0; lane < texel->lanes; lane++) {
        struct followed *load = &trail.all[trail.count++];
        load->value = loads[lane];
        for (int i = 0; i < COMPONENTS; i++) {
            load->elements[i] = (int8_t)((int)lane * COMPONENTS + i);
        }
    }
    /* The first lane's is the first of all. */
    for (llvm_value *next = loads[0]; next != NULL && trail.count < MAX_FOLLOWED;
         next = llvm.GetNextInstruction(next)) {
        follow(&trail, next);
    }
    llvm_value *arguments[] = {texel->base, texel->offsets};
    llvm.PositionBuilderBefore(rewriting->builder, loads[0]);
    llvm_value *made = rewriting_call(rewriting, function, arguments, 2);
    for (int i = 0; i < trail.count; i++) {
        const struct followed *followed = &trail.all[i];
        if (llvm.TypeOf(followed->value) == llvm.TypeOf(texel->offsets)) {
            int component = component_of(followed, texel);
            if (component >= 0) {
                llvm.ReplaceAllUsesWith(followed->value,
                                        llvm.BuildExtractValue(rewriting->builder, made, (unsigned)component, ""));
            }
        }
    }
}

unsigned vector_load_rewrite(const struct rewriting *rewriting, llvm_block *block)
{
    unsigned count = 0;
    for (llvm_value *next = llvm.GetFirstInstruction(block); next != NULL; next = llvm.GetNextInstruction(next)) {
        struct texel texel;
        llvm_value *loads[MAX_LANES] = {NULL};
        if (!match(next, &texel) || texel.lane != 0 || !collect(next, &texel, loads)) {
            continue;
        }
        char name[32];
        snprintf(name, sizeof name, "lemnos.load%u", texel.lanes);
        llvm_value *function = rewriting_function(rewriting, name);
        if (function == NULL) {
            return count;
        }
        replace(rewriting, function, &texel, loads);
        count++;
    }
    return count;
}
