#version 450
// A kernel without bindings and constants.
layout(local_size_x = 8) in;

void main() {}
