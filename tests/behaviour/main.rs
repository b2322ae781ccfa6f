//! Behaviour tests: the built program, real sockets, and vectors that nobody here wrote.

mod demo;
#[path = "../support/mod.rs"]
mod support;

mod bad_files;
mod bad_input;
mod bad_upstream;
mod buckets;
mod canary;
mod cbor;
mod client;
mod determinism;
mod doors;
mod encoding;
mod endpoints;
mod events;
mod floors;
mod gzip;
mod keeping;
mod kill;
mod loading;
mod malformed;
mod modes;
mod odd_upstream;
mod puppet;
mod recognition;
mod recording;
mod refreshing;
mod refreshing_ids;
mod removals;
mod replaying;
mod replaying_tokens;
mod scrubbing;
mod secrets;
mod sessions;
mod settings;
mod stand_in;
mod storage;
mod trimming;
mod turned_away;
mod turtles;
mod unmodeled;
mod unsaveable;
mod vectors;
mod wire_details;
mod workplace;
