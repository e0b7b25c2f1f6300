//! End-to-end tests: the real binary, over its command line and HTTP, with real weights.
