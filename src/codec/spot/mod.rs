//! Where the scalars of a message are, byte for byte, whatever the format of the message.
//!
//! A decoder says what a message means; a locator says where. It shows every [`Spot`] of a body:
//! the member that it holds by the model, the way to it on the wire, its bytes, and the [`Form`] in
//! which another value can be written there, so that everything else stays as it is. Locators are
//! lenient like decoders, and never pass over a scalar because the model does not know it: what
//! nobody knows is shown without a member. What to do with a spot is the caller's affair.

mod cbor;
mod form;
pub mod frames;
mod json;
mod multipart;
mod sniff;
mod write;
mod xml;

pub use cbor::locate as in_cbor;
pub use form::locate as in_form;
pub use json::locate as in_json;
pub use sniff::{Shown, anywhere, in_query};
pub use write::{Form, Splice};
pub use xml::locate as in_xml;

use crate::model::schema::{Service, ShapeIndex};
use std::borrow::Cow;
use std::ops::Range;

/// How deep documents may nest; what is deeper is taken for no document at all.
const MAX_DEPTH: usize = 512;

/// How deep bodies may stand in bodies: signed frames, parts of parts.
const MAX_NESTING: usize = 8;

/// One scalar of a message, a map's key, or the name of a header that is one.
#[derive(Debug, Clone)]
pub struct Spot<'a> {
    /// Pointer by member names from the input, output or error, where the model leads here. Below
    /// a known place unknown names go on as they are written.
    pub member: Option<&'a str>,
    /// Pointer on the wire: `/body/spec`, `/headers/x-amz-meta-a`, `/uri`; below that, the name of a
    /// query member that the model does not know.
    pub wire: &'a str,
    /// The part of the message.
    pub part: Part,
    /// The bytes in that part that hold it.
    pub range: Range<usize>,
    /// How a value is written there.
    pub form: Form,
    /// It is a map's key and not a value.
    pub key: bool,
    /// What is there, decoded of what the format adds: a string without escapes, a number as it is
    /// written, the bytes of a CBOR byte string in base64.
    pub text: Cow<'a, str>,
}

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The URI as it prints.
    Uri,
    /// The value of the header at this position, repeats counted.
    Header(usize),
    /// The name of the header at this position.
    HeaderName(usize),
    /// The body, without content encoding.
    Body,
}

/// Who is shown the spots, in the order of the wire within each part.
pub type Visit<'v> = &'v mut dyn FnMut(Spot<'_>);

/// What a body holds by the model, and where it hangs.
#[derive(Debug, Clone, Copy)]
pub struct Root<'a> {
    /// The service and the shape of the body; nothing where no model knows it.
    pub shape: Option<(&'a Service, ShapeIndex)>,
    /// Pointer by member names to the body: empty, or the payload's member.
    pub member: &'a str,
}

impl<'a> Root<'a> {
    /// A body that no model describes.
    pub const UNKNOWN: Root<'static> = Root { shape: None, member: "" };

    /// A body that is the whole input, output or error.
    pub fn of(service: &'a Service, shape: ShapeIndex) -> Root<'a> {
        Root {
            shape: Some((service, shape)),
            member: "",
        }
    }
}

/// The last name of a pointer that is no position; what a spot without a member is called.
pub fn name_of(pointer: &str) -> Cow<'_, str> {
    let last = pointer
        .rsplit('/')
        .find(|token| !token.is_empty() && !token.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or_default();
    // XML repeats and attributes: `item[2]`, `@type`. Query names: `Tag.3.Value`.
    let last = last.split('[').next().unwrap_or(last).trim_start_matches('@');
    let mut parts = last.rsplit('.');
    let last = parts
        .find(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or(last);
    if last.contains('~') {
        return Cow::Owned(last.replace("~1", "/").replace("~0", "~"));
    }
    Cow::Borrowed(last)
}

/// A pointer that grows and shrinks while a document is walked.
#[derive(Debug, Default)]
struct Trail {
    text: String,
    /// Nothing known of the place: the model did not lead here.
    lost: bool,
}

impl Trail {
    fn new(text: &str, lost: bool) -> Trail {
        Trail {
            text: text.to_owned(),
            lost,
        }
    }

    fn len(&self) -> usize {
        self.text.len()
    }

    fn back(&mut self, len: usize) {
        self.text.truncate(len);
    }

    fn name(&mut self, name: &str) {
        self.text.push('/');
        crate::pointer::escape_into(name, &mut self.text);
    }

    fn index(&mut self, index: usize) {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(self.text, "/{index}");
    }

    fn get(&self) -> Option<&str> {
        (!self.lost).then_some(self.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_is_called_by_its_last_name() {
        for (pointer, name) in [
            ("/body/a/0", "a"),
            ("/body/Tag.3.Value", "Value"),
            ("/body/Names.1", "Names"),
            ("/body/Root/item[2]", "item"),
            ("/body/Root/@type", "type"),
            ("/headers/x-api-key", "x-api-key"),
            ("/body/a~1b", "a/b"),
            ("", ""),
        ] {
            assert_eq!(name_of(pointer), name, "{pointer}");
        }
    }
}
