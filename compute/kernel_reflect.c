/* What a shader says of itself: one pass over the SPIR-V that notes every id, then the questions. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernel_table.h"
#include "compute/spirv.h"

enum { NO_WORD = UINT32_MAX };

struct id_note {
    const uint32_t *words; /* the instruction that makes the id */
    uint32_t binding, descriptor_set, spec_id, array_stride;
    bool non_writable, non_readable, buffer_block;
};

struct reader {
    const struct kernel_code *code;
    uint32_t bound; /* ids are below it */
    struct id_note *ids;
    struct kernel_interface *interface;
};

static enum status malformed(const struct reader *reader, const char *what)
{
    return fail(STATUS_FAILED, "kernel %s: %s", reader->code->name, what);
}

/* The instructions in order: NULL at the end, or at the first function, behind which there are no declarations. */
static const uint32_t *next_instruction(const struct reader *reader, const uint32_t *words)
{
    const uint32_t *end = reader->code->words + reader->code->word_count;
    const uint32_t *next = words == NULL ? reader->code->words + SPIRV_HEADER_WORDS : words + spirv_length(words);
    if (next >= end || spirv_instruction(next) == SPIRV_FUNCTION) {
        return NULL;
    }
    return next;
}

/* The position of an instruction's result id, 0 where it makes none that matters here. */
static int result_position(uint32_t instruction)
{
    switch (instruction) {
    case SPIRV_TYPE_BOOL:
    case SPIRV_TYPE_INT:
    case SPIRV_TYPE_FLOAT:
    case SPIRV_TYPE_VECTOR:
    case SPIRV_TYPE_MATRIX:
    case SPIRV_TYPE_IMAGE:
    case SPIRV_TYPE_ARRAY:
    case SPIRV_TYPE_STRUCT:
    case SPIRV_TYPE_POINTER:
        return 1;
    case SPIRV_CONSTANT:
    case SPIRV_SPEC_CONSTANT:
    case SPIRV_SPEC_CONSTANT_OPERATION:
    case SPIRV_VARIABLE:
        return 2;
    default:
        return 0;
    }
}

static void note_decoration(struct id_note *id, uint32_t decoration, uint32_t value)
{
    switch (decoration) {
    case SPIRV_SPEC_ID:
        id->spec_id = value;
        break;
    case SPIRV_BUFFER_BLOCK:
        id->buffer_block = true;
        break;
    case SPIRV_ARRAY_STRIDE:
        id->array_stride = value;
        break;
    case SPIRV_NON_WRITABLE:
        id->non_writable = true;
        break;
    case SPIRV_NON_READABLE:
        id->non_readable = true;
        break;
    case SPIRV_BINDING:
        id->binding = value;
        break;
    case SPIRV_DESCRIPTOR_SET:
        id->descriptor_set = value;
        break;
    default:
        break;
    }
}

static enum status note_ids(struct reader *reader)
{
    const struct kernel_code *code = reader->code;
    TRY(spirv_check(code->name, code->words, code->word_count));
    reader->bound = spirv_bound(code->words);
    TRY(memory_allocate(reader->bound, sizeof *reader->ids, &reader->ids));
    for (uint32_t i = 0; i < reader->bound; i++) {
        reader->ids[i] = (struct id_note){.binding = NO_WORD, .spec_id = NO_WORD};
    }
    for (const uint32_t *words = NULL; (words = next_instruction(reader, words)) != NULL;) {
        uint32_t length = spirv_length(words);
        if (spirv_instruction(words) == SPIRV_DECORATE && words[1] < reader->bound) {
            note_decoration(&reader->ids[words[1]], words[2], length > 3 ? words[3] : 0);
        }
        int position = result_position(spirv_instruction(words));
        if (position > 0 && words[position] < reader->bound) {
            reader->ids[words[position]].words = words;
        }
    }
    return STATUS_OK;
}

/* An id's instruction; ids that were declared as something unknown have none, which no caller meets in valid code. */
static const uint32_t *declaration(const struct reader *reader, uint32_t id)
{
    static const uint32_t nothing[4] = {4U << 16};
    return id < reader->bound && reader->ids[id].words != NULL ? reader->ids[id].words : nothing;
}

/* The value of a decoration of a struct's member: *value is left alone and false returned where it has none. */
static bool member_decoration(const struct reader *reader, uint32_t type, uint32_t member, uint32_t decoration,
                              uint32_t *value)
{
    for (const uint32_t *words = NULL; (words = next_instruction(reader, words)) != NULL;) {
        if (spirv_instruction(words) == SPIRV_MEMBER_DECORATE && words[1] == type && words[2] == member &&
            words[3] == decoration) {
            *value = spirv_length(words) > 4 ? words[4] : 0;
            return true;
        }
    }
    return false;
}

static bool all_members(const struct reader *reader, uint32_t type, uint32_t decoration)
{
    uint32_t count = spirv_length(declaration(reader, type)) - 2;
    uint32_t value;
    for (uint32_t i = 0; i < count; i++) {
        if (!member_decoration(reader, type, i, decoration, &value)) {
            return false;
        }
    }
    return count > 0;
}

/* An integer constant; of a specialization constant its default. */
static enum status constant_value(const struct reader *reader, uint32_t id, uint32_t *value)
{
    const uint32_t *words = declaration(reader, id);
    uint32_t left, right;
    switch (spirv_instruction(words)) {
    case SPIRV_CONSTANT:
    case SPIRV_SPEC_CONSTANT:
        *value = words[3];
        return STATUS_OK;
    case SPIRV_SPEC_CONSTANT_OPERATION:
        if (spirv_length(words) != 6) {
            break;
        }
        TRY(constant_value(reader, words[4], &left));
        TRY(constant_value(reader, words[5], &right));
        if (spirv_compute(words[3], left, right, value)) {
            return STATUS_OK;
        }
        break;
    default:
        break;
    }
    return malformed(reader,
                     "the size of an array is made from constants by an operation other than +, -, *, / or a shift");
}

/* Bytes of a type: as laid out where it has offsets and strides, else packed. */
static enum status type_size(const struct reader *reader, uint32_t type, uint32_t *size)
{
    const uint32_t *words = declaration(reader, type);
    uint32_t part, count;
    *size = 0;
    switch (spirv_instruction(words)) {
    case SPIRV_TYPE_BOOL:
        *size = 4;
        return STATUS_OK;
    case SPIRV_TYPE_INT:
    case SPIRV_TYPE_FLOAT:
        *size = words[2] / 8;
        return STATUS_OK;
    case SPIRV_TYPE_VECTOR:
    case SPIRV_TYPE_MATRIX:
        TRY(type_size(reader, words[2], &part));
        *size = part * words[3];
        return STATUS_OK;
    case SPIRV_TYPE_ARRAY:
        TRY(type_size(reader, words[2], &part));
        TRY(constant_value(reader, words[3], &count));
        *size = count * (reader->ids[type].array_stride != 0 ? reader->ids[type].array_stride : part);
        return STATUS_OK;
    case SPIRV_TYPE_STRUCT:
        for (uint32_t i = 0; i + 2 < spirv_length(words); i++) {
            uint32_t offset = *size;
            (void)member_decoration(reader, type, i, SPIRV_OFFSET, &offset);
            TRY(type_size(reader, words[2 + i], &part));
            *size = offset + part;
        }
        return STATUS_OK;
    default:
        return malformed(reader, "push constants or shared memory hold a type that kernel_reflect() does not know");
    }
}

static enum descriptor_kind texel_kind(const uint32_t *image)
{
    if (spirv_instruction(image) != SPIRV_TYPE_IMAGE || image[3] != SPIRV_DIMENSION_BUFFER) {
        return DESCRIPTOR_NONE;
    }
    switch (image[8]) {
    case SPIRV_FORMAT_RGBA32F:
        return DESCRIPTOR_TEXEL_FLOAT4;
    case SPIRV_FORMAT_R32F:
        return DESCRIPTOR_TEXEL_FLOAT1;
    case SPIRV_FORMAT_R32I:
        return DESCRIPTOR_TEXEL_INT1;
    case SPIRV_FORMAT_R32UI:
        return DESCRIPTOR_TEXEL_UINT1;
    default:
        return DESCRIPTOR_NONE;
    }
}

static enum status reflect_descriptor(struct reader *reader, const struct id_note *variable, uint32_t type)
{
    struct kernel_interface *interface = reader->interface;
    uint32_t storage = variable->words[3];
    enum descriptor_kind kind = DESCRIPTOR_NONE;
    if (storage == SPIRV_UNIFORM_CONSTANT) {
        kind = texel_kind(declaration(reader, type));
    } else if (storage == SPIRV_STORAGE_BUFFER || reader->ids[type].buffer_block) {
        kind = DESCRIPTOR_STORAGE_BUFFER;
    }
    if (kind == DESCRIPTOR_NONE) {
        return malformed(reader, "a binding is neither a storage buffer nor an image buffer of format rgba32f, r32f, "
                                 "r32i or r32ui");
    }
    if (variable->binding >= DISPATCH_MAX_BINDINGS || variable->descriptor_set != 0) {
        return fail(STATUS_FAILED, "kernel %s: set %u, binding %u; a kernel has set 0 and bindings 0 to %d",
                    reader->code->name, variable->descriptor_set, variable->binding, DISPATCH_MAX_BINDINGS - 1);
    }
    uint32_t binding = variable->binding;
    if (interface->kinds[binding] != DESCRIPTOR_NONE && interface->kinds[binding] != kind) {
        return fail(STATUS_FAILED, "kernel %s: binding %u is declared as two kinds of descriptor", reader->code->name,
                    binding);
    }
    bool block = kind == DESCRIPTOR_STORAGE_BUFFER;
    bool read_only = variable->non_writable || (block && all_members(reader, type, SPIRV_NON_WRITABLE));
    bool write_only = variable->non_readable || (block && all_members(reader, type, SPIRV_NON_READABLE));
    interface->kinds[binding] = kind;
    /* One buffer may be declared twice, as floats and as vectors. */
    interface->reads[binding] |= !write_only;
    interface->writes[binding] |= !read_only;
    if ((int)binding + 1 > interface->binding_count) {
        interface->binding_count = (int)binding + 1;
    }
    return STATUS_OK;
}

static enum status reflect_variable(struct reader *reader, const struct id_note *variable)
{
    const uint32_t *pointer = declaration(reader, variable->words[1]);
    uint32_t type = pointer[3];
    uint32_t size;
    switch (variable->words[3]) {
    case SPIRV_UNIFORM_CONSTANT:
    case SPIRV_UNIFORM:
    case SPIRV_STORAGE_BUFFER:
        return reflect_descriptor(reader, variable, type);
    case SPIRV_PUSH_CONSTANT:
        TRY(type_size(reader, type, &reader->interface->push_size));
        if (reader->interface->push_size > DISPATCH_MAX_PUSH) {
            return fail(STATUS_FAILED, "kernel %s: %u bytes of push constants, every device takes only %d",
                        reader->code->name, reader->interface->push_size, DISPATCH_MAX_PUSH);
        }
        return STATUS_OK;
    case SPIRV_WORKGROUP:
        TRY(type_size(reader, type, &size));
        reader->interface->shared_size += size;
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

/* The mode holds literal numbers, of sizes that a specialization constant sets the defaults. */
static enum status reflect_local_size(struct reader *reader)
{
    for (const uint32_t *words = NULL; (words = next_instruction(reader, words)) != NULL;) {
        if (spirv_instruction(words) == SPIRV_EXECUTION_MODE && words[2] == SPIRV_LOCAL_SIZE) {
            memcpy(reader->interface->local_size, words + 3, sizeof reader->interface->local_size);
            return STATUS_OK;
        }
    }
    return malformed(reader, "the shader has no workgroup size (local_size_x)");
}

static bool has_matrices(const struct reader *reader)
{
    for (const uint32_t *words = NULL; (words = next_instruction(reader, words)) != NULL;) {
        if (spirv_instruction(words) == SPIRV_CAPABILITY && words[1] == SPIRV_COOPERATIVE_MATRIX) {
            return true;
        }
    }
    return false;
}

static bool is_set_by_engine(const struct reader *reader, uint32_t constant)
{
    return constant == DISPATCH_LANES_CONSTANT ||
           (reader->interface->matrices && constant >= DISPATCH_FRAGMENT_CONSTANT);
}

static enum status reflect(struct reader *reader)
{
    TRY(note_ids(reader));
    reader->interface->matrices = has_matrices(reader);
    TRY(reflect_local_size(reader));
    for (uint32_t id = 0; id < reader->bound; id++) {
        const struct id_note *note = &reader->ids[id];
        if (note->words != NULL && spirv_instruction(note->words) == SPIRV_VARIABLE) {
            TRY(reflect_variable(reader, note));
        }
        if (note->spec_id == NO_WORD) {
            continue;
        }
        if (note->spec_id >= DISPATCH_MAX_CONSTANTS) {
            return fail(STATUS_FAILED, "kernel %s: specialization constant %u, the highest is %d", reader->code->name,
                        note->spec_id, DISPATCH_MAX_CONSTANTS - 1);
        }
        reader->interface->lanes |= note->spec_id == DISPATCH_LANES_CONSTANT;
        if (!is_set_by_engine(reader, note->spec_id) && (int)note->spec_id + 1 > reader->interface->constant_count) {
            reader->interface->constant_count = (int)note->spec_id + 1;
        }
    }
    if (reader->interface->lanes && reader->interface->push_size < KERNEL_DIGITS) {
        return malformed(reader,
                         "it knows of lanes, but its push constants are not declared by PUSH() of lib/store.glsl");
    }
    reader->interface->push_size -= reader->interface->lanes ? KERNEL_DIGITS : 0;
    return STATUS_OK;
}

enum status kernel_reflect(const struct kernel_code *code, struct kernel_interface *interface)
{
    memset(interface, 0, sizeof *interface);
    struct reader reader = {.code = code, .interface = interface};
    enum status status = reflect(&reader);
    free(reader.ids);
    return status;
}
