//! Who is let in, and what goes on to the upstream.
