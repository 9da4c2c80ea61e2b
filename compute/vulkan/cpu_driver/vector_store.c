/*
 * Writing one or four numbers of 32 bits in every lane. The driver has, in vectors, the lanes that do so, each one's
 * place, and the numbers; and a loop over the lanes:
 *
 *     before:   ...                                           br head
 *     head:     lane = load counter;                          br mask[lane], body, foot
 *     body:     index = places[lane], base and size of the buffer
 *               for each number: if index + i lies inside:    store numbers[i][lane], base + index + i
 *                                                             br foot
 *     foot:     store lane + 1, counter;                      br lane + 1 >= lanes, behind, head
 *
 * At the end of `before` comes a call of a function that writes all at once, and a branch to `behind` where it did. The
 * loop stays for where it did not.
 */
#include "compute/vulkan/cpu_driver/vector_store.h"

#include <stdio.h>

enum { MAX_NUMBERS = 4, MAX_BUFFERS = 32 };

struct store_loop {
    llvm_block *before, *head, *behind;
    llvm_value *counter, *mask, *index; /* index: in the loop, of a lane */
    llvm_value *numbers[MAX_NUMBERS];   /* vectors; may be taken from an aggregate in the loop */
    unsigned count, lanes;
    llvm_value *base, *size; /* loaded in the loop */
    unsigned buffer;         /* which of the kernel's */
};

/* Where a block goes on in any case; NULL: that depends. */
static llvm_block *only_successor(llvm_block *block)
{
    llvm_value *end = llvm.GetBasicBlockTerminator(block);
    return end != NULL && llvm_is(end, LLVM_BR) && llvm.GetNumSuccessors(end) == 1 ? llvm.GetSuccessor(end, 0) : NULL;
}

struct branch {
    llvm_value *condition;
    llvm_block *then, *otherwise;
};

static bool match_branch(llvm_block *block, struct branch *branch)
{
    llvm_value *end = llvm.GetBasicBlockTerminator(block);
    if (end == NULL || !llvm_is(end, LLVM_BR) || llvm.GetNumSuccessors(end) != 2) {
        return false;
    }
    *branch = (struct branch){llvm.GetCondition(end), llvm.GetSuccessor(end, 0), llvm.GetSuccessor(end, 1)};
    return true;
}

/* vector[counter] */
static bool match_lane(const struct store_loop *loop, llvm_value *value, llvm_value **vector)
{
    if (!llvm_is(value, LLVM_EXTRACT_ELEMENT) || llvm.GetOperand(value, 1) != loop->counter) {
        return false;
    }
    *vector = llvm.GetOperand(value, 0);
    return true;
}

static bool is_number(llvm_value *value, unsigned number)
{
    return llvm.IsAConstantInt(value) != NULL && llvm.ConstIntGetZExtValue(value) == number;
}

/* To the next lane, or behind the loop: of all lanes. */
static bool match_foot(struct store_loop *loop, llvm_block *block)
{
    struct branch foot;
    if (!match_branch(block, &foot) || foot.otherwise != loop->head || !llvm_is(foot.condition, LLVM_ICMP)) {
        return false;
    }
    llvm_value *next = llvm.GetOperand(foot.condition, 0);
    llvm_value *end = llvm.GetOperand(foot.condition, 1);
    loop->behind = foot.then;
    loop->lanes = llvm.GetVectorSize(llvm.TypeOf(loop->mask));
    return llvm.GetICmpPredicate(foot.condition) == LLVM_UNSIGNED_GREATER_EQUAL && llvm_is(next, LLVM_ADD) &&
           llvm.GetOperand(next, 0) == loop->counter && is_number(llvm.GetOperand(next, 1), 1) &&
           is_number(end, loop->lanes) && !llvm_is(llvm.GetFirstInstruction(loop->behind), LLVM_PHI);
}

static bool match_head(struct store_loop *loop, struct branch *head)
{
    if (!match_branch(loop->head, head) || !llvm_is(head->condition, LLVM_EXTRACT_ELEMENT) ||
        !llvm_is(llvm.GetOperand(head->condition, 1), LLVM_LOAD)) {
        return false;
    }
    loop->mask = llvm.GetOperand(head->condition, 0);
    loop->counter = llvm.GetOperand(head->condition, 1);
    if (!match_foot(loop, head->otherwise)) {
        return false;
    }
    for (llvm_value *next = llvm.GetFirstInstruction(loop->head); next != NULL; next = llvm.GetNextInstruction(next)) {
        llvm_value *places;
        if (next == head->condition || !match_lane(loop, next, &places)) {
            continue;
        }
        if (loop->index != NULL || rewriting_lanes(llvm.TypeOf(places)) != loop->lanes) {
            return false;
        }
        loop->index = next;
    }
    return loop->index != NULL;
}

/* The size in bytes where a condition, which the driver carries as a mask of bits for a while, is index < size >> 2. */
static llvm_value *size_of_limit(llvm_value *condition, llvm_value *index)
{
    while (!llvm_is(condition, LLVM_ICMP) || llvm.GetOperand(condition, 0) != index) {
        bool cast = llvm_is(condition, LLVM_ICMP) || llvm_is(condition, LLVM_SEXT);
        if (!cast && !llvm_is(condition, LLVM_AND)) {
            return NULL;
        }
        condition = llvm.GetOperand(condition, cast ? 0 : 1);
    }
    llvm_value *limit = llvm.GetOperand(condition, 1);
    bool counts_words = llvm.GetICmpPredicate(condition) == LLVM_UNSIGNED_LESS && llvm_is(limit, LLVM_ASHR) &&
                        is_number(llvm.GetOperand(limit, 1), 2);
    return counts_words ? llvm.GetOperand(limit, 0) : NULL;
}

/* store numbers[count][lane] at base + index + count, where that is inside */
static bool match_number(const struct rewriting *rewriting, struct store_loop *loop, llvm_block *block,
                         llvm_value *condition)
{
    llvm_value *place = llvm.GetFirstInstruction(block);
    if (loop->count == MAX_NUMBERS || !llvm_is(place, LLVM_GEP) || llvm.GetNumOperands(place) != 2) {
        return false;
    }
    llvm_value *base = llvm.GetOperand(place, 0);
    llvm_value *index = llvm.GetOperand(place, 1);
    llvm_value *store = llvm.GetNextInstruction(place);
    if (!llvm_is(store, LLVM_STORE) || llvm.GetOperand(store, 1) != place ||
        llvm.GetNextInstruction(store) != llvm.GetBasicBlockTerminator(block) || !llvm_is(index, LLVM_ADD) ||
        llvm.GetOperand(index, 0) != loop->index || !is_number(llvm.GetOperand(index, 1), loop->count)) {
        return false;
    }
    llvm_value *size = size_of_limit(condition, index);
    llvm_value *vector;
    llvm_value *number = llvm.GetOperand(store, 0);
    if (llvm.TypeOf(number) != rewriting->i32 || !match_lane(loop, llvm_without_casts(number), &vector) ||
        rewriting_lanes(llvm.TypeOf(vector)) != loop->lanes || size == NULL ||
        (loop->base != NULL && (loop->base != base || loop->size != size))) {
        return false;
    }
    loop->base = base;
    loop->size = size;
    loop->numbers[loop->count++] = vector;
    return true;
}

/* Whether a block does more than compute. */
static bool has_effects(llvm_block *block)
{
    for (llvm_value *next = llvm.GetFirstInstruction(block); next != NULL; next = llvm.GetNextInstruction(next)) {
        if (llvm_writes(next)) {
            return true;
        }
    }
    return false;
}

static bool match_body(const struct rewriting *rewriting, struct store_loop *loop, const struct branch *head)
{
    llvm_block *block = head->then;
    struct branch inside;
    while (match_branch(block, &inside)) {
        if (has_effects(block) || only_successor(inside.then) != inside.otherwise ||
            !match_number(rewriting, loop, inside.then, inside.condition)) {
            return false;
        }
        block = inside.otherwise;
    }
    return !has_effects(block) && only_successor(block) == head->otherwise &&
           (loop->count == 1 || loop->count == MAX_NUMBERS);
}

/* base and size are buffers[buffer]'s, where the buffer is a vector's element too: the same in all lanes. */
static bool match_buffer(struct store_loop *loop)
{
    if (!llvm_is(loop->base, LLVM_LOAD) || !llvm_is(loop->size, LLVM_LOAD)) {
        return false;
    }
    llvm_value *field = llvm.GetOperand(loop->base, 0);
    llvm_value *size_field = llvm.GetOperand(loop->size, 0);
    llvm_value *vector;
    if (!llvm_is(field, LLVM_GEP) || llvm.GetNumOperands(field) != 4 || !is_number(llvm.GetOperand(field, 3), 0) ||
        !llvm_is(size_field, LLVM_GEP) || llvm.GetNumOperands(size_field) != 4 ||
        !is_number(llvm.GetOperand(size_field, 3), 1) || llvm.GetOperand(size_field, 0) != llvm.GetOperand(field, 0) ||
        !llvm_is(llvm.GetOperand(field, 2), LLVM_SELECT) ||
        !match_lane(loop, llvm.GetOperand(llvm.GetOperand(field, 2), 1), &vector) || !llvm.IsConstant(vector)) {
        return false;
    }
    if (llvm.IsNull(vector)) {
        return true; /* the first */
    }
    if (llvm.IsAConstantDataVector(vector) == NULL) {
        return false;
    }
    llvm_value *number = llvm.GetElementAsConstant(vector, 0);
    for (unsigned i = 1; i < loop->lanes; i++) {
        if (llvm.GetElementAsConstant(vector, i) != number) {
            return false;
        }
    }
    loop->buffer = (unsigned)llvm.ConstIntGetZExtValue(number);
    return loop->buffer < MAX_BUFFERS;
}

/* A field of the buffer: 0 its base, 1 its size in bytes. */
static llvm_value *load_field(const struct rewriting *rewriting, const struct store_loop *loop, unsigned field,
                              llvm_type *type)
{
    llvm_value *like = llvm.GetOperand(loop->base, 0);
    llvm_value *indices[] = {llvm.ConstInt(rewriting->i32, 0, 0), llvm.ConstInt(rewriting->i32, loop->buffer, 0),
                             llvm.ConstInt(rewriting->i32, field, 0)};
    llvm_value *place = llvm.BuildGEP2(rewriting->builder, llvm.GetGEPSourceElementType(like), llvm.GetOperand(like, 0),
                                       indices, 3, "");
    return llvm.BuildLoad2(rewriting->builder, type, place, "");
}

static void replace(const struct rewriting *rewriting, const struct store_loop *loop, llvm_value *function)
{
    llvm.InstructionEraseFromParent(llvm.GetBasicBlockTerminator(loop->before));
    llvm.PositionBuilderAtEnd(rewriting->builder, loop->before);
    llvm_value *bytes = load_field(rewriting, loop, 1, rewriting->i32);
    llvm_value *arguments[4 + MAX_NUMBERS] = {
        load_field(rewriting, loop, 0, llvm.TypeOf(loop->base)),
        llvm.BuildLShr(rewriting->builder, bytes, llvm.ConstInt(rewriting->i32, 2, 0), ""), loop->mask,
        llvm.GetOperand(loop->index, 0)};
    for (unsigned i = 0; i < loop->count; i++) {
        llvm_value *number = loop->numbers[i];
        if (llvm_is(number, LLVM_EXTRACT_VALUE)) {
            number =
                llvm.BuildExtractValue(rewriting->builder, llvm.GetOperand(number, 0), llvm.GetIndices(number)[0], "");
        }
        arguments[4 + i] = llvm.BuildBitCast(rewriting->builder, number, llvm.TypeOf(arguments[3]), "");
    }
    llvm_value *done = rewriting_call(rewriting, function, arguments, 4 + loop->count);
    llvm.BuildCondBr(rewriting->builder, done, loop->behind, loop->head);
}

unsigned vector_store_rewrite(const struct rewriting *rewriting, llvm_block *block)
{
    struct store_loop loop = {.before = block, .head = only_successor(block)};
    struct branch head;
    if (loop.head == NULL || !match_head(&loop, &head) || !match_body(rewriting, &loop, &head) ||
        !match_buffer(&loop)) {
        return 0;
    }
    char name[32];
    snprintf(name, sizeof name, "lemnos.store%ux%u", loop.lanes, loop.count);
    llvm_value *function = rewriting_function(rewriting, name);
    if (function == NULL) {
        return 0;
    }
    replace(rewriting, &loop, function);
    return 1;
}
