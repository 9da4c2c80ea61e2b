/*
 * Three walks: one that counts how ids are used, one that joins blocks and replaces loads and extractions of what is
 * known by OpCopyObject, which costs a driver nothing, and one from the last instruction to the first that finds what
 * is needed. What is no id but looks like one, as literals do, can only make more seem to be needed.
 */
#include "compute/spirv_tidy.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/spirv.h"

struct id {
    uint32_t made;     /* index + 1 of the instruction that makes it, if that may go; 0: it stays */
    uint32_t elements; /* of a type: of a struct or vector, else 0 */
    uint32_t named;    /* of a label: how often terminators and merge instructions name it */
    uint32_t joined;   /* of a label: that of the block it was joined to, 0: none */
    uint32_t held;     /* of a variable: the id of what lies in it, ... */
    uint32_t held_in;  /* ... up to the end of this block */
    bool is_variable;  /* of the function, and only loaded and stored */
    bool needed;
};

struct tidier {
    uint32_t *words;
    uint32_t *instructions; /* where they begin */
    size_t count;
    size_t functions; /* index of the first OpFunction */
    uint32_t bound;
    struct id *ids;
    enum fate { OPEN, KEPT, GONE } * fates; /* by instruction */
};

static uint32_t *at(const struct tidier *tidier, size_t index)
{
    return tidier->words + tidier->instructions[index];
}

static struct id *id_at(const struct tidier *tidier, uint32_t id)
{
    return &tidier->ids[id < tidier->bound ? id : 0];
}

/* The instruction that makes an id, NULL: not one that may go. */
static const uint32_t *made_by(const struct tidier *tidier, uint32_t id)
{
    uint32_t made = id_at(tidier, id)->made;
    return made > 0 ? at(tidier, made - 1) : NULL;
}

/* Whether it does nothing but to make its result. */
static bool only_computes(const uint32_t *words)
{
    uint32_t instruction = spirv_instruction(words);
    switch (instruction) {
    case SPIRV_EXTENDED:
        return words[4] != SPIRV_MODF && words[4] != SPIRV_FREXP; /* they write one of their results to memory */
    case SPIRV_LOAD:
        return spirv_length(words) == 4; /* else it may be volatile */
    case SPIRV_UNDEFINED:
    case SPIRV_VARIABLE:
    case SPIRV_ACCESS_CHAIN:
    case SPIRV_IMAGE_READ:
    case SPIRV_PHI:
    case SPIRV_SHUFFLE_LANES:
    case SPIRV_COPY_LOGICAL:
        return true;
    default: /* composites; conversions; arithmetic, comparisons and bits */
        return (instruction >= 77 && instruction <= 84) || (instruction >= 109 && instruction <= 124) ||
               (instruction >= 126 && instruction <= 205);
    }
}

/* A declaration that only those need who name it. */
static bool only_declares(const uint32_t *words)
{
    switch (spirv_instruction(words)) {
    case SPIRV_UNDEFINED:
    case SPIRV_CONSTANT_TRUE:
    case SPIRV_CONSTANT_FALSE:
    case SPIRV_CONSTANT:
    case SPIRV_CONSTANT_COMPOSITE:
    case SPIRV_CONSTANT_NULL:
    case SPIRV_SPEC_CONSTANT_COMPOSITE:
    case SPIRV_SPEC_CONSTANT_OPERATION:
        return true;
    default:
        return false;
    }
}

/* Of a load or store without memory operands: the variable, NULL where it is none. */
static struct id *variable_of(const struct tidier *tidier, const uint32_t *words)
{
    bool loads = spirv_instruction(words) == SPIRV_LOAD && spirv_length(words) == 4;
    bool stores = spirv_instruction(words) == SPIRV_STORE && spirv_length(words) == 3;
    struct id *id = loads || stores ? id_at(tidier, words[loads ? 3 : 1]) : NULL;
    return id != NULL && id->is_variable ? id : NULL;
}

static void note_uses(const struct tidier *tidier, const uint32_t *words)
{
    uint32_t instruction = spirv_instruction(words);
    uint32_t targets = spirv_target_count(words);
    for (uint32_t i = 0; i < targets; i++) {
        id_at(tidier, spirv_target(words, i))->named++;
    }
    if (instruction == SPIRV_SELECTION_MERGE || instruction == SPIRV_LOOP_MERGE) {
        id_at(tidier, words[1])->named++;
        id_at(tidier, words[2])->named++;
    }
    const struct id *variable = variable_of(tidier, words);
    for (uint32_t i = 1; i < spirv_length(words); i++) {
        struct id *used = id_at(tidier, words[i]);
        bool makes = instruction == SPIRV_VARIABLE && i == 2;
        used->is_variable &= makes || (used == variable && i == (instruction == SPIRV_LOAD ? 3 : 1));
    }
}

static void read_code(struct tidier *tidier, size_t word_count)
{
    size_t count = 0;
    for (size_t i = SPIRV_HEADER_WORDS; i < word_count; i += spirv_length(tidier->words + i)) {
        const uint32_t *words = tidier->words + i;
        uint32_t instruction = spirv_instruction(words);
        if (instruction == SPIRV_FUNCTION && tidier->functions == 0) {
            tidier->functions = count;
        }
        tidier->instructions[count] = (uint32_t)i;
        count++;
        bool in_function = tidier->functions > 0;
        if (in_function ? spirv_has_result(words) && only_computes(words) : only_declares(words)) {
            struct id *made = id_at(tidier, words[2]);
            made->made = (uint32_t)count;
            made->is_variable = instruction == SPIRV_VARIABLE;
        }
        if (in_function) {
            note_uses(tidier, words);
        } else if (instruction == SPIRV_TYPE_STRUCT) {
            id_at(tidier, words[1])->elements = spirv_length(words) - 2;
        } else if (instruction == SPIRV_TYPE_VECTOR) {
            id_at(tidier, words[1])->elements = words[3];
        }
    }
    tidier->count = count;
}

/* Whether a block's end and the next one's begin can go: nothing else leads there, and the block is no loop's head. */
static bool leads_on(const struct tidier *tidier, size_t index)
{
    const uint32_t *words = at(tidier, index);
    if (spirv_instruction(words) != SPIRV_BRANCH || spirv_instruction(at(tidier, index - 1)) == SPIRV_LOOP_MERGE ||
        index + 1 == tidier->count) {
        return false;
    }
    const uint32_t *next = at(tidier, index + 1);
    return spirv_instruction(next) == SPIRV_LABEL && next[1] == words[1] && id_at(tidier, words[1])->named == 1;
}

static void join_blocks(struct tidier *tidier)
{
    uint32_t label = 0;
    for (size_t i = tidier->functions; i < tidier->count; i++) {
        if (spirv_instruction(at(tidier, i)) == SPIRV_LABEL) {
            label = at(tidier, i)[1];
        } else if (leads_on(tidier, i)) {
            tidier->fates[i] = GONE;
            i++;
            tidier->fates[i] = GONE;
            id_at(tidier, at(tidier, i)[1])->joined = label;
        }
    }
}

static void become_copy(uint32_t *words, uint32_t of)
{
    words[0] = 4U << 16 | SPIRV_COPY_OBJECT;
    words[3] = of;
}

/* What an element of a composite is, where the code tells it, else 0. */
static uint32_t find_element(const struct tidier *tidier, uint32_t composite, uint32_t element)
{
    for (const uint32_t *words = made_by(tidier, composite); words != NULL; words = made_by(tidier, composite)) {
        uint32_t length = spirv_length(words);
        switch (spirv_instruction(words)) {
        case SPIRV_COPY_OBJECT:
            composite = words[3];
            break;
        case SPIRV_COMPOSITE_INSERT:
            if (words[5] == element) {
                return length == 6 ? words[3] : 0;
            }
            composite = words[4];
            break;
        case SPIRV_COMPOSITE_CONSTRUCT: /* a vector may be made of vectors: then they are fewer */
            return length - 3 == id_at(tidier, words[1])->elements ? words[3 + element] : 0;
        default:
            return 0;
        }
    }
    return 0;
}

/* An instruction of the block `block`. */
static void copy_what_is_known(struct tidier *tidier, uint32_t *words, uint32_t block)
{
    uint32_t instruction = spirv_instruction(words);
    uint32_t length = spirv_length(words);
    struct id *variable = variable_of(tidier, words);
    if (variable != NULL && instruction == SPIRV_LOAD && variable->held_in == block) {
        become_copy(words, variable->held);
    } else if (variable != NULL) {
        variable->held = words[2];
        variable->held_in = block;
    } else if (instruction == SPIRV_COMPOSITE_EXTRACT && length == 5) {
        uint32_t element = find_element(tidier, words[3], words[4]);
        if (element != 0) {
            become_copy(words, element);
        }
    } else if (instruction == SPIRV_PHI && length == 5) {
        become_copy(words, words[3]);
    } else if (instruction == SPIRV_PHI) {
        for (uint32_t i = 4; i < length; i += 2) {
            uint32_t joined = id_at(tidier, words[i])->joined;
            words[i] = joined != 0 ? joined : words[i];
        }
    }
}

static void copy_known(struct tidier *tidier)
{
    uint32_t block = 0;
    for (size_t i = tidier->functions; i < tidier->count; i++) {
        uint32_t *words = at(tidier, i);
        if (tidier->fates[i] == GONE) {
            continue;
        }
        if (spirv_instruction(words) == SPIRV_LABEL) {
            block = words[1];
        }
        copy_what_is_known(tidier, words, block);
    }
}

/* Names and decorations: they stay if what they tell about does. */
static bool annotates(const uint32_t *words)
{
    uint32_t instruction = spirv_instruction(words);
    return instruction == SPIRV_NAME || (instruction == SPIRV_DECORATE && words[2] != SPIRV_BUILT_IN);
}

static bool is_needed(const struct tidier *tidier, const uint32_t *words)
{
    const struct id *variable = variable_of(tidier, words);
    if (variable != NULL && spirv_instruction(words) == SPIRV_STORE) {
        return variable->needed;
    }
    if (annotates(words)) {
        return id_at(tidier, words[1])->made == 0 || id_at(tidier, words[1])->needed;
    }
    bool may_go = spirv_has_result(words) && spirv_length(words) > 2 && made_by(tidier, words[2]) == words;
    return !may_go || id_at(tidier, words[2])->needed;
}

/* True if there is more to find ahead of this: in loops, values and variables are needed before they are made. */
static bool need_operands(struct tidier *tidier, size_t index)
{
    const uint32_t *words = at(tidier, index);
    bool more = false;
    for (uint32_t i = 1; i < spirv_length(words); i++) {
        struct id *id = id_at(tidier, words[i]);
        more |= !id->needed && (id->is_variable || id->made > index + 1);
        id->needed = true;
    }
    return more;
}

static void find_needed(struct tidier *tidier)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = tidier->count; i-- > 0;) {
            const uint32_t *words = at(tidier, i);
            if (tidier->fates[i] == OPEN && is_needed(tidier, words)) {
                tidier->fates[i] = KEPT;
                more |= !annotates(words) && need_operands(tidier, i);
            }
        }
    }
}

/* Returns how many words are left. */
static size_t leave_out(struct tidier *tidier)
{
    size_t to = SPIRV_HEADER_WORDS;
    for (size_t i = 0; i < tidier->count; i++) {
        if (tidier->fates[i] == KEPT) {
            const uint32_t *words = at(tidier, i);
            uint32_t length = spirv_length(words);
            memmove(tidier->words + to, words, length * sizeof *words);
            to += length;
        }
    }
    return to;
}

static enum status tidy(struct tidier *tidier, size_t *word_count)
{
    tidier->bound = spirv_bound(tidier->words);
    size_t count = 0;
    for (size_t i = SPIRV_HEADER_WORDS; i < *word_count; i += spirv_length(tidier->words + i)) {
        count++;
    }
    TRY(memory_allocate(count, sizeof *tidier->instructions, &tidier->instructions));
    TRY(memory_allocate(count, sizeof *tidier->fates, &tidier->fates));
    TRY(memory_allocate(tidier->bound, sizeof *tidier->ids, &tidier->ids));
    read_code(tidier, *word_count);
    join_blocks(tidier);
    copy_known(tidier);
    find_needed(tidier);
    *word_count = leave_out(tidier);
    return STATUS_OK;
}

enum status spirv_tidy(uint32_t *words, size_t *word_count)
{
    struct tidier tidier = {.words = words};
    enum status status = tidy(&tidier, word_count);
    free(tidier.instructions);
    free(tidier.fates);
    free(tidier.ids);
    return status;
}
