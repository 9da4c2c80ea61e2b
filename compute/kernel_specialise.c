/*
 * First a walk over the instructions that finds the values of conditions and which blocks can still be reached, then
 * the writing of those blocks. The walk wants blocks in an order in which every way into a block, loops' ways back
 * aside, comes before the block; code that is not in that order is left whole.
 */
#include "compute/kernel_specialise.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/spirv.h"
#include "compute/spirv_tidy.h"
#include "compute/spirv_values.h"

struct block {
    uint32_t label;
    const uint32_t *begin, *end; /* from OpLabel to behind the terminator */
    const uint32_t *merge;       /* OpLoopMerge or OpSelectionMerge, NULL: none */
    const uint32_t *terminator;
    bool entry; /* a function begins here */
    bool whole; /* its condition is left alone, known or not */
    /* Of the last walk: */
    bool live;                     /* it can be reached */
    uint32_t only;                 /* label of the one way left out of it, 0: all of the terminator's */
    const struct block *construct; /* the innermost selection or loop around it that stays, NULL: none */
    const struct block *level;     /* from within which construct it is entered */
    bool mixed;                    /* from within several */
    bool uncertain;                /* by a condition */
    bool flat;                     /* a loop's head without a way back: it loses its OpLoopMerge */
    /* A block that nothing leads to, but that a loop or selection names, is written as a label and this: */
    enum bare_end { BARE_NONE, BARE_UNREACHABLE, BARE_BRANCH } bare_end;
    uint32_t bare_target;
};

struct specialiser {
    const struct kernel_code *code;
    const uint32_t *end;
    const uint32_t *functions; /* the first OpFunction: declarations end here */
    struct spirv_values values;
    uint32_t *block_of;   /* by label */
    bool *removed;        /* by id: made in a block that cannot be reached */
    struct block *blocks; /* in their order */
    uint32_t block_count;
};

static bool is_loop(const struct block *block)
{
    return block->merge != NULL && spirv_instruction(block->merge) == SPIRV_LOOP_MERGE;
}

static struct block *block_at(const struct specialiser *specialiser, uint32_t label)
{
    return &specialiser->blocks[specialiser->block_of[label]];
}

/* Whether a live way leads from one block to another. */
static bool leads_to(const struct block *from, const struct block *to)
{
    return from->live && (from->only == 0 || from->only == to->label);
}

/* A value that is known on the only live way in, as those of && and || are. */
static void compute_phi(struct specialiser *specialiser, const struct block *block, const uint32_t *words)
{
    uint32_t value = 0, bits;
    int ways = 0;
    for (uint32_t i = 3; i + 1 < spirv_length(words); i += 2) {
        if (leads_to(block_at(specialiser, words[i + 1]), block)) {
            value = words[i];
            ways++;
        }
    }
    if (ways == 1 && !is_loop(block) && spirv_values_find(&specialiser->values, value, &bits)) {
        spirv_values_set(&specialiser->values, words[2], bits);
    }
}

static void compute_block(struct specialiser *specialiser, const struct block *block)
{
    for (const uint32_t *words = block->begin; words < block->end; words += spirv_length(words)) {
        if (!spirv_has_result(words)) {
            continue;
        }
        spirv_values_forget(&specialiser->values, words[2]); /* of an earlier walk */
        uint32_t length = spirv_length(words);
        if (spirv_instruction(words) == SPIRV_PHI) {
            compute_phi(specialiser, block, words);
        } else if (length >= 4 && length <= 6) {
            spirv_values_compute(&specialiser->values, words[2], spirv_instruction(words), words + 3, length - 3);
        }
    }
}

/* The innermost construct that stays around what a block leads to. */
static const struct block *level_behind(const struct block *block)
{
    return block->merge != NULL && block->only == 0 ? block : block->construct;
}

/* The same around the block with this label, entered from within `level`: its merge block is behind a construct. */
static const struct block *construct_around(const struct block *level, uint32_t label)
{
    for (const struct block *construct = level; construct != NULL; construct = construct->construct) {
        if (construct->merge[1] == label) {
            return construct->construct;
        }
    }
    return level;
}

/* False where the way leads back to a block, and not to the head of a loop that was entered. */
static bool enter_block(struct specialiser *specialiser, const struct block *from, uint32_t label)
{
    struct block *to = block_at(specialiser, label);
    const struct block *level = level_behind(from);
    bool entered = to->live;
    if (!entered) {
        to->live = true;
        to->construct = construct_around(level, label);
        to->level = level;
    }
    to->mixed |= to->level != level;
    to->uncertain |= from->only == 0 && spirv_target_count(from->terminator) > 1;
    return to > from || (is_loop(to) && entered);
}

static bool leave_block(struct specialiser *specialiser, struct block *block)
{
    const uint32_t *terminator = block->terminator;
    uint32_t count = spirv_target_count(terminator);
    uint32_t bits;
    bool returns = false; /* to a loop's head: a loop must have a way back */
    for (uint32_t i = 0; i < count; i++) {
        returns |= block_at(specialiser, spirv_target(terminator, i)) <= block;
    }
    if (count > 1 && !block->whole && !is_loop(block) && !returns &&
        spirv_values_find(&specialiser->values, terminator[1], &bits)) {
        block->only = spirv_chosen_target(terminator, bits);
        return enter_block(specialiser, block, block->only);
    }
    bool ordered = true;
    for (uint32_t i = 0; i < count; i++) {
        ordered = enter_block(specialiser, block, spirv_target(terminator, i)) && ordered;
    }
    return ordered;
}

static bool walk(struct specialiser *specialiser)
{
    for (uint32_t i = 0; i < specialiser->block_count; i++) {
        struct block *block = &specialiser->blocks[i];
        block->live = block->entry;
        block->only = 0;
        block->construct = NULL;
        block->level = NULL;
        block->mixed = false;
        block->uncertain = false;
    }
    for (uint32_t i = 0; i < specialiser->block_count; i++) {
        struct block *block = &specialiser->blocks[i];
        if (block->live) {
            compute_block(specialiser, block);
            if (!leave_block(specialiser, block)) {
                return false;
            }
        }
    }
    return true;
}

static bool has_phi(const struct block *block)
{
    const uint32_t *first = block->begin + spirv_length(block->begin);
    return spirv_instruction(first) == SPIRV_PHI;
}

/* A block that others name must be there, even where nothing leads to it. */
static void keep_named(struct block *named, enum bare_end end, uint32_t target)
{
    if (!named->live) {
        named->bare_end = end;
        named->bare_target = target;
    }
}

/*
 * Settles what becomes of the constructs that stay. A loop that turns once is none, if it is left from nowhere but its
 * own level. False where a loop's way back is gone that would bring a value.
 */
static bool settle_constructs(struct specialiser *specialiser)
{
    for (uint32_t i = 0; i < specialiser->block_count; i++) {
        struct block *block = &specialiser->blocks[i];
        if (!block->live || block->only != 0 || block->merge == NULL) {
            continue;
        }
        struct block *behind = block_at(specialiser, block->merge[1]);
        if (!is_loop(block)) {
            keep_named(behind, BARE_UNREACHABLE, 0);
            continue;
        }
        struct block *back = block_at(specialiser, block->merge[2]);
        block->flat = !back->live && behind->live && !behind->mixed && !behind->uncertain && behind->level == block &&
                      spirv_instruction(block->terminator) == SPIRV_BRANCH;
        if (block->flat) {
            continue;
        }
        keep_named(behind, BARE_UNREACHABLE, 0);
        keep_named(back, BARE_BRANCH, block->label);
        if (!back->live && has_phi(block)) {
            return false;
        }
    }
    return true;
}

/*
 * A selection whose condition is known loses its OpSelectionMerge. Then nothing may leave it from within another
 * construct, as the breaks of a switch do: such a one is left whole. False where the code cannot be cut.
 */
static bool find_live_blocks(struct specialiser *specialiser)
{
    for (bool settled = false; !settled;) {
        settled = true;
        if (!walk(specialiser)) {
            return false;
        }
        for (uint32_t i = 0; i < specialiser->block_count; i++) {
            struct block *block = &specialiser->blocks[i];
            if (!block->live || block->only == 0 || block->merge == NULL) {
                continue;
            }
            const struct block *behind = block_at(specialiser, block->merge[1]);
            if (behind->live && (behind->mixed || behind->uncertain || behind->level != block->construct)) {
                block->whole = true;
                settled = false;
            }
        }
    }
    return settle_constructs(specialiser);
}

static void note_removed(struct specialiser *specialiser)
{
    for (uint32_t i = 0; i < specialiser->block_count; i++) {
        const struct block *block = &specialiser->blocks[i];
        if (block->live) {
            continue;
        }
        specialiser->removed[block->label] = block->bare_end == BARE_NONE;
        for (const uint32_t *words = block->begin; words < block->end; words += spirv_length(words)) {
            if (spirv_has_result(words)) {
                specialiser->removed[words[2]] = true;
            }
        }
    }
}

static uint32_t *copy_words(uint32_t *to, const uint32_t *words)
{
    memcpy(to, words, spirv_length(words) * sizeof *words);
    return to + spirv_length(words);
}

/* Without the ways that cannot be taken. */
static uint32_t *write_phi(const struct specialiser *specialiser, const struct block *block, const uint32_t *words,
                           uint32_t *to)
{
    uint32_t length = 3;
    for (uint32_t i = 3; i + 1 < spirv_length(words); i += 2) {
        if (leads_to(block_at(specialiser, words[i + 1]), block)) {
            to[length++] = words[i];
            to[length++] = words[i + 1];
        }
    }
    to[0] = length << 16 | SPIRV_PHI;
    to[1] = words[1];
    to[2] = words[2];
    return to + length;
}

/* What is chosen by a known condition; false: it is not known, or this chooses nothing. */
static bool write_chosen(const struct specialiser *specialiser, const uint32_t *words, uint32_t *to)
{
    uint32_t condition;
    if (spirv_instruction(words) != SPIRV_SELECT || !spirv_values_find(&specialiser->values, words[3], &condition)) {
        return false;
    }
    to[0] = 4U << 16 | SPIRV_COPY_OBJECT;
    to[1] = words[1];
    to[2] = words[2];
    to[3] = words[condition ? 4 : 5];
    return true;
}

static uint32_t *write_block(const struct specialiser *specialiser, const struct block *block, uint32_t *to)
{
    for (const uint32_t *words = block->begin; words < block->end; words += spirv_length(words)) {
        if (spirv_instruction(words) == SPIRV_PHI) {
            to = write_phi(specialiser, block, words, to);
            continue;
        }
        if (write_chosen(specialiser, words, to)) {
            to += spirv_length(to);
            continue;
        }
        bool is_cut = (words == block->merge && block->flat) ||
                      (block->only != 0 && (words == block->merge || words == block->terminator));
        to = is_cut ? to : copy_words(to, words);
    }
    if (block->only != 0) {
        *to++ = 2U << 16 | SPIRV_BRANCH;
        *to++ = block->only;
    }
    return to;
}

static uint32_t *write_bare_block(const struct block *block, uint32_t *to)
{
    if (block->bare_end == BARE_NONE) {
        return to;
    }
    to = copy_words(to, block->begin);
    if (block->bare_end == BARE_UNREACHABLE) {
        *to++ = 1U << 16 | SPIRV_UNREACHABLE;
        return to;
    }
    *to++ = 2U << 16 | SPIRV_BRANCH;
    *to++ = block->bare_target;
    return to;
}

/* Returns behind the last word written. */
static uint32_t *write_code(const struct specialiser *specialiser, uint32_t *to)
{
    const uint32_t *words = specialiser->code->words;
    memcpy(to, words, SPIRV_HEADER_WORDS * sizeof *words);
    to += SPIRV_HEADER_WORDS;
    uint32_t index = 0;
    for (words += SPIRV_HEADER_WORDS; words < specialiser->end;) {
        uint32_t instruction = spirv_instruction(words);
        if (index < specialiser->block_count && words == specialiser->blocks[index].begin) {
            const struct block *block = &specialiser->blocks[index++];
            to = block->live ? write_block(specialiser, block, to) : write_bare_block(block, to);
            words = block->end;
            continue;
        }
        bool annotates = instruction == SPIRV_NAME || instruction == SPIRV_DECORATE;
        if (!annotates || !specialiser->removed[words[1]]) {
            to = copy_words(to, words);
        }
        words += spirv_length(words);
    }
    return to;
}

/* Notes the blocks. False where one has no end. */
static bool read_functions(struct specialiser *specialiser)
{
    struct block *block = NULL;
    bool entry = false;
    for (const uint32_t *words = specialiser->functions; words < specialiser->end; words += spirv_length(words)) {
        uint32_t instruction = spirv_instruction(words);
        if (instruction == SPIRV_FUNCTION) {
            entry = true;
        } else if (instruction == SPIRV_LABEL) {
            specialiser->block_of[words[1]] = specialiser->block_count;
            if (block != NULL) {
                return false;
            }
            block = &specialiser->blocks[specialiser->block_count++];
            *block = (struct block){.label = words[1], .begin = words, .entry = entry};
            entry = false;
        } else if (block != NULL && (instruction == SPIRV_LOOP_MERGE || instruction == SPIRV_SELECTION_MERGE)) {
            block->merge = words;
        } else if (block != NULL && spirv_is_terminator(instruction)) {
            block->terminator = words;
            block->end = words + spirv_length(words);
            block = NULL;
        }
    }
    return block == NULL;
}

static enum status allocate(struct specialiser *specialiser)
{
    const struct kernel_code *code = specialiser->code;
    TRY(spirv_check(code->name, code->words, code->word_count));
    uint32_t bound = spirv_bound(code->words);
    uint32_t labels = 0;
    specialiser->end = code->words + code->word_count;
    specialiser->functions = specialiser->end;
    const uint32_t *words = code->words + SPIRV_HEADER_WORDS;
    for (; words < specialiser->end; words += spirv_length(words)) {
        if (spirv_instruction(words) == SPIRV_FUNCTION && specialiser->functions == specialiser->end) {
            specialiser->functions = words;
        }
        labels += spirv_instruction(words) == SPIRV_LABEL;
    }
    TRY(spirv_values_create(&specialiser->values, bound));
    TRY(memory_allocate(bound, sizeof *specialiser->block_of, &specialiser->block_of));
    TRY(memory_allocate(bound, sizeof *specialiser->removed, &specialiser->removed));
    return memory_allocate(labels, sizeof *specialiser->blocks, &specialiser->blocks);
}

static enum status specialise(struct specialiser *specialiser, const uint32_t *constants, int count, uint32_t **made,
                              size_t *word_count)
{
    const struct kernel_code *code = specialiser->code;
    TRY(allocate(specialiser));
    TRY(memory_resize(code->word_count, sizeof **made, made)); /* most of it will not be touched */
    const uint32_t *words = code->words + SPIRV_HEADER_WORDS;
    for (; words < specialiser->functions; words += spirv_length(words)) {
        spirv_values_declare(&specialiser->values, words, constants, count);
    }
    if (read_functions(specialiser) && find_live_blocks(specialiser)) {
        note_removed(specialiser);
        *word_count = (size_t)(write_code(specialiser, *made) - *made);
    } else {
        memcpy(*made, code->words, code->word_count * sizeof **made);
        *word_count = code->word_count;
    }
    return spirv_tidy(*made, word_count);
}

enum status kernel_specialise(const struct kernel_code *code, const uint32_t *constants, int count, uint32_t **words,
                              size_t *word_count)
{
    struct specialiser specialiser = {.code = code};
    *words = NULL;
    enum status status = specialise(&specialiser, constants, count, words, word_count);
    if (status != STATUS_OK) {
        free(*words);
        *words = NULL;
    }
    spirv_values_release(&specialiser.values);
    free(specialiser.block_of);
    free(specialiser.removed);
    free(specialiser.blocks);
    return status;
}
