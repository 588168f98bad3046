//! The loader against what compilers really make: C sources of `tests/data`, compiled here.

mod common;
mod image;
mod load;
mod mutate;
mod reject;
