//! What a zip archive holds, apart from when it was packed: its entries' names, checksums and sizes.
//!
//! Archives are made anew by every run that uploads code, and each entry has the time at which its file
//! was written. Two with the same content are the same to whom they are sent. Source: APPNOTE.TXT
//! 6.3, sections 4.3.12 and 4.3.16.

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
/// Of the record that ends an archive, and of one that describes an entry, without what varies.
const END_LENGTH: usize = 22;
const ENTRY_LENGTH: usize = 46;
/// The longest comment behind the end.
const COMMENT: usize = 65_535;

/// What names the content of an archive: of each entry, in the archive's order, its name, CRC-32 and
/// length. Nothing where the bytes are no archive, or not wholly one.
pub fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"PK") {
        return None;
    }
    let tail = bytes.len().saturating_sub(END_LENGTH + COMMENT);
    let end = tail + memchr::memmem::rfind(bytes.get(tail..)?, END)?;
    if end + END_LENGTH + usize::from(short(bytes, end + 20)?) != bytes.len() {
        return None;
    }
    let (count, mut at) = (short(bytes, end + 10)?, word(bytes, end + 16)? as usize);
    // Of the fields that 64 bits hold elsewhere, and of archives in several parts, nothing is said here.
    if count == u16::MAX || at > end {
        return None;
    }
    let mut content = Vec::new();
    for _ in 0..count {
        let entry = bytes.get(at..end)?;
        if !entry.starts_with(ENTRY) {
            return None;
        }
        let (name, extra, comment) = (short(entry, 28)?, short(entry, 30)?, short(entry, 32)?);
        let name_end = ENTRY_LENGTH + usize::from(name);
        content.extend_from_slice(&name.to_le_bytes());
        content.extend_from_slice(entry.get(ENTRY_LENGTH..name_end)?);
        content.extend_from_slice(entry.get(16..20)?);
        content.extend_from_slice(entry.get(24..28)?);
        at += name_end + usize::from(extra) + usize::from(comment);
    }
    (at == end).then_some(content)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An archive of stored entries, each with a name and content, packed at a time.
    fn archive(entries: &[(&str, &[u8])], time: u32) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in entries {
            let offset = out.len() as u32;
            let length = content.len() as u32;
            let mut fields = Vec::new();
            fields.extend([20, 0, 0, 0, 0, 0]);
            fields.extend(time.to_le_bytes());
            fields.extend(crc32fast::hash(content).to_le_bytes());
            fields.extend(length.to_le_bytes());
            fields.extend(length.to_le_bytes());
            fields.extend((name.len() as u16).to_le_bytes());
            fields.extend([0, 0]);
            out.extend(b"PK\x03\x04");
            out.extend(&fields);
            out.extend(name.as_bytes());
            out.extend(*content);
            directory.extend(ENTRY);
            directory.extend([20, 3]);
            directory.extend(&fields);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let at = out.len() as u32;
        let count = (entries.len() as u16).to_le_bytes();
        out.extend(&directory);
        out.extend(END);
        out.extend([0; 4]);
        out.extend(count);
        out.extend(count);
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn the_time_of_packing_is_no_part_of_the_content() {
        let of = |entries: &[(&str, &[u8])], time| content(&archive(entries, time)).expect("an archive");
        let code: &[(&str, &[u8])] = &[("main.py", b"print(1)"), ("lib.py", b"")];
        assert_eq!(of(code, 7), of(code, 8));
        assert_ne!(of(code, 7), of(&[("main.py", b"print(2)"), ("lib.py", b"")], 7));
        assert_ne!(of(code, 7), of(&[("main.pyc", b"print(1)"), ("lib.py", b"")], 7));
        assert_ne!(of(code, 7), of(&code[..1], 7));
        assert_eq!(of(&[], 7), b"");
    }

    #[test]
    fn what_is_no_archive_or_a_part_of_one_has_no_content() {
        let whole = archive(&[("a", b"b")], 7);
        assert_eq!(content(b""), None);
        assert_eq!(content(b"PK\x05\x06"), None);
        assert!((1..whole.len()).all(|length| content(&whole[..length]).is_none()));
    }

    proptest! {
        #![proptest_config(crate::trials::cases(64))]

        #[test]
        fn arbitrary_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = content(&bytes);
            let _ = content(&[b"PK\x01\x02", &bytes[..], END, &bytes[..]].concat());
        }
    }
}
