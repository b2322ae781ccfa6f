//! Behaviour tests: the built program, real sockets, and vectors that nobody here wrote.

mod vectors;
