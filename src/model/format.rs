//! Which format a model file is in, found by its content.

use super::botocore::{Metadata, service_id, service_traits};
use super::listing::Listing;
use flate2::read::MultiGzDecoder;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

/// The first bytes of what gzip makes.
pub const GZIP: [u8; 2] = [0x1f, 0x8b];

/// More bytes than any model has: what inflates to more is no model.
const LARGEST: u64 = 256 << 20;

/// The bytes, inflated where they are compressed.
pub fn inflated(bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    if !bytes.starts_with(&GZIP) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::with_capacity(bytes.len() * 8);
    let read = MultiGzDecoder::new(bytes).take(LARGEST + 1).read_to_end(&mut plain)?;
    if read as u64 > LARGEST {
        let problem = format!("it inflates to more than {LARGEST} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(Cow::Owned(plain))
}

/// What the top of a file says that it is.
#[derive(Debug, PartialEq)]
pub enum Format {
    /// A Smithy JSON AST: it says its version.
    Smithy,
    /// botocore's `service-2.json`, and what its metadata says of the service.
    Botocore(Box<Listing>),
    /// Nothing that is known.
    Other,
}

/// Whether this is a botocore model.
pub fn is_botocore(bytes: &[u8]) -> bool {
    matches!(read_top(&mut serde_json::Deserializer::from_slice(bytes)), Format::Botocore(_))
}

/// Reads no more of a file than tells its format: of a botocore model its first kilobyte or so.
pub fn of_reader(reader: impl Read) -> Format {
    read_top(&mut serde_json::Deserializer::from_reader(reader))
}

fn read_top<'de, D: Deserializer<'de>>(deserializer: D) -> Format {
    let mut found = Format::Other;
    // Stopping early leaves the document unread, which is an error to the deserializer and none to us.
    let _ = Top(&mut found).deserialize(deserializer);
    found
}

/// Goes through the members of the document until one tells the format.
struct Top<'a>(&'a mut Format);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "smithy" => {
                    *self.0 = Format::Smithy;
                    return Ok(());
                }
                // A Smithy file may have metadata too, of another kind.
                "metadata" => {
                    if let Ok(metadata) = serde_json::from_value::<Metadata>(map.next_value::<Value>()?) {
                        let id = service_id(&metadata);
                        let listing = Listing::of(&id, &metadata.api_version, &service_traits(&metadata));
                        *self.0 = Format::Botocore(Box::new(listing));
                        return Ok(());
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
