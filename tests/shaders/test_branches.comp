#version 450
// Control flow of all kinds, decided by constants in the first half of the output, by the same values in the second.
layout(local_size_x = 8) in;
layout(constant_id = 0) const uint MODE = 0;
layout(constant_id = 1) const bool FLAG = false;
layout(constant_id = 2) const int LIMIT = 0;
layout(std430, binding = 0) writeonly buffer Output { float y[]; };
layout(push_constant) uniform Push { uint mode; uint flag; int limit; uint half_size; };

float early(uint mode, bool flag, uint i)
{
    if (mode == 1) {
        return float(i) + 0.5;
    }
    if (flag && i % 2 == 0 || i % 3 == 0 && mode / 2 == 1) {
        return float(i) * 3.0;
    }
    return -float(i);
}

float nested(uint mode, bool flag, int limit, uint i)
{
    float sum = 0.0;
    switch (mode) {
    case 0:
        sum = 1.0;
        break;
    case 1:
    case 2:
        if (i > 3) {
            sum = 2.0;
            break; // out of the switch from within a branch
        }
        sum = 3.0;
        break;
    case 3:
        sum = 4.0; // falls through
    case 4:
        sum += 5.0;
        break;
    default:
        sum = flag ? 6.0 : 7.0;
    }
    for (int turn = 0; turn < limit; turn++) {
        if (flag || mode == 2) {
            if (turn == 2) {
                continue;
            }
            sum += float(turn);
        } else if (mode == 3 && i > 4) {
            break;
        }
        if (mode == 4 && !flag) {
            for (uint inner = 0; inner < i; inner++) {
                sum += 0.25;
                if (limit > 3) {
                    break;
                }
            }
        }
        sum += 100.0;
    }
    for (;;) {
        sum += 0.125;
        if (limit > 3 || i == 5) {
            break;
        }
        sum += 0.5;
        if (mode < 10) {
            break; // at the end of the one turn, and known to be
        }
    }
    for (;;) { // no loop, once it is known that it turns once
        sum += 0.25;
        if (mode < 10) {
            break;
        }
    }
    for (int turn = 0; turn < limit; turn++) {
        if (i > 3) {
            switch (mode) { // left by a break from within a branch, or not at all
            case 0:
                if (i == 5) {
                    break;
                }
                continue;
            default:
                sum += 0.03125;
            }
            sum += 0.5;
        }
        sum += 4.0;
    }
    do {
        sum += 0.0625;
    } while (limit > 10);
    while (limit == 4) {
        sum += 1000.0;
        if (i < 100) {
            break;
        }
    }
    bool odd = (mode & 1) == 1;
    float scale = odd ? (flag ? 2.0 : 4.0) : (limit > 2 ? 8.0 : 16.0);
    return (sum + early(mode, flag, i)) * scale;
}

void main()
{
    uint i = gl_GlobalInvocationID.x;
    y[i] = nested(MODE, FLAG, LIMIT, i);
    y[half_size + i] = nested(mode, flag != 0, limit, i);
}
