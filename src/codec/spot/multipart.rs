//! The parts of a `multipart/form-data` body (RFC 7578), as browsers post files to S3.

use super::{Visit, frames, sniff};
use std::ops::Range;

/// The longest boundary (RFC 2046, section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// What stands between the parts, by the content type of the whole.
pub(super) fn boundary(content_type: Option<&str>) -> Option<String> {
    let mut parts = content_type?.split(';');
    let media_type = parts.next()?.trim();
    if !media_type.get(..10)?.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    parts
        .find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"');
            (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then(|| format!("--{value}"))
        })
        .filter(|boundary| boundary.len() <= LONGEST_BOUNDARY + 2)
}

/// Shows what each part holds, under its name; and what stands outside of them.
pub(super) fn locate(boundary: &str, body: &[u8], nesting: usize, visit: Visit<'_>) {
    for part in split(boundary.as_bytes(), body) {
        let content = body.get(part).unwrap_or_default();
        let end_of_head = content.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, value) = match end_of_head {
            Some(at) => content.split_at(at + 4),
            None => (&content[..0], content),
        };
        let text = String::from_utf8_lossy(head);
        let wire = format!("/body/{}", name(&text).unwrap_or_default());
        let content_type = text
            .lines()
            .find_map(|line| line.get(..13)?.eq_ignore_ascii_case("content-type:").then(|| line[13..].trim()));
        sniff::within(None, head, nesting + 1, &mut frames::shift(body, head, "/body/#head", visit));
        let value = value.strip_suffix(b"\r\n").unwrap_or(value);
        sniff::within(content_type, value, nesting + 1, &mut frames::shift(body, value, &wire, visit));
    }
}

fn split(boundary: &[u8], body: &[u8]) -> Vec<Range<usize>> {
    let mut starts = (0..=body.len().saturating_sub(boundary.len()))
        .filter(|at| body[*at..].starts_with(boundary))
        .peekable();
    let mut parts = Vec::new();
    parts.push(0..starts.peek().copied().unwrap_or(body.len()));
    while let Some(start) = starts.next() {
        let end = starts.peek().copied().unwrap_or(body.len());
        parts.push((start + boundary.len()).min(end)..end);
    }
    parts
}

/// `name="…"` of a `Content-Disposition`.
fn name(head: &str) -> Option<&str> {
    head.split("name=\"").nth(1)?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_shown_under_its_name() {
        let body = b"--xy\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\nabc\r\n--xy\r\nContent-Disposition: form-data; \
            name=\"file\"\r\nContent-Type: application/json\r\n\r\n{\"a\":\"b\"}\r\n--xy--\r\n";
        let boundary = boundary(Some("multipart/form-data; charset=utf-8; boundary=\"xy\"")).unwrap();
        let mut found = Vec::new();
        locate(&boundary, body, 0, &mut |spot| {
            if !spot.wire.contains('#') {
                found.push(format!("{} {}", spot.wire, String::from_utf8_lossy(&body[spot.range])));
            }
        });
        assert_eq!(found, ["/body/policy abc", "/body/file/a \"a\"", "/body/file/a \"b\"", "/body/ --"]);
        assert_eq!(super::boundary(Some("text/plain; boundary=x")), None);
    }
}
