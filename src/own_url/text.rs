//! Finding the URLs of a place in a text, and putting others there.
//!
//! A text may hold a URL in a form of its own: as a part of another URL's query
//! (`http%3A%2F%2F127.0.0.1%3A5000`, escaped once or twice), or in a JSON document that is a string
//! (`http:\/\/127.0.0.1:5000`). What is put there keeps the form.

use super::{Place, is_local};
use crate::aws_hosts::is_aws_host;
use http::Uri;
use std::ops::Range;

const COLONS: [&str; 7] = [":", "%3A", "%3a", "%253A", "%253a", "\\u003a", "\\u003A"];
/// Longer spellings first: each ends with none of those before it.
const SLASHES: [&str; 9] = ["\\\\/", "\\/", "/", "%252F", "%252f", "%2F", "%2f", "\\u002f", "\\u002F"];
const SCHEMES: [&str; 2] = ["https", "http"];

/// One mention of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention<'t> {
    /// From the scheme, where there is one, to the end of host and port.
    pub range: Range<usize>,
    /// It begins with a scheme.
    pub is_url: bool,
    /// What stands before the place's own host, without the dot: `sqs.us-east-1`.
    pub labels: &'t str,
    /// All that follows in the text.
    pub rest: &'t str,
    colon: &'t str,
    slash: &'t str,
}

/// What is put in the place of a mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port.
    pub authority: String,
    /// A path that stands before the one that follows; empty, or with a slash in front.
    pub path: String,
    /// How much of what follows goes.
    pub skip: usize,
}

/// A text with other targets for the mentions of a place; nothing where it has none.
pub fn replaced(text: &str, place: &Place, target: &dyn Fn(&Mention<'_>) -> Option<Target>) -> Option<String> {
    if !place.may_be_in(text.as_bytes()) {
        return None;
    }
    rewritten(text, mentions(text, place), target)
}

/// A text with other targets for the URLs of AWS's hosts; nothing where none of them has one. The
/// whole host counts as labels.
pub fn replaced_aws(text: &str, target: &dyn Fn(&Mention<'_>) -> Option<Target>) -> Option<String> {
    rewritten(text, aws_mentions(text), target)
}

fn rewritten(text: &str, mentions: Vec<Mention<'_>>, target: &dyn Fn(&Mention<'_>) -> Option<Target>) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for mention in mentions {
        if mention.range.start < from {
            continue;
        }
        let Some(target) = target(&mention) else { continue };
        out.push_str(text.get(from..mention.range.start)?);
        mention.write(&target, &mut out);
        from = mention.range.end + if mention.is_url { target.skip } else { 0 };
    }
    if from == 0 {
        return None;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

impl Mention<'_> {
    fn write(&self, target: &Target, out: &mut String) {
        if self.is_url {
            for piece in [&target.scheme, self.colon, self.slash, self.slash] {
                out.push_str(piece);
            }
        }
        out.push_str(&target.authority.replace(':', self.colon));
        if self.is_url {
            out.push_str(&target.path.replace('/', self.slash));
        }
    }

    /// How much of what follows is this path, at the end of a segment; nothing where it is not.
    pub fn skips(&self, path: &str) -> Option<usize> {
        if path.is_empty() {
            return Some(0);
        }
        let written = path.replace('/', self.slash);
        let after = self.rest.strip_prefix(written.as_str())?;
        let goes_on = after
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        (!goes_on).then_some(written.len())
    }

    /// How much of what follows are first segments that show the run's token (`/~TOKEN`) and name a
    /// session (`/@NAME[:TOKEN]`).
    pub fn session_length(&self) -> usize {
        let token = self.segment_length(self.rest, &["~", "%7E", "%7e", "%257E"]);
        let after = self.rest.get(token..).unwrap_or_default();
        token + self.segment_length(after, &["@", "%40", "%2540"])
    }

    /// The length of a text's first segment, where it begins with one of these marks; else none.
    fn segment_length(&self, text: &str, marks: &[&str]) -> usize {
        let Some(segment) = text.strip_prefix(self.slash) else { return 0 };
        let Some(name) = marks.iter().find_map(|mark| segment.strip_prefix(mark)) else {
            return 0;
        };
        let ends = |(at, letter): &(usize, char)| {
            let is_part = letter.is_ascii_alphanumeric() || "-._%:".contains(*letter);
            !is_part
                || name
                    .get(*at..)
                    .is_some_and(|rest| self.slash.len() > 1 && rest.starts_with(self.slash))
        };
        let end = name.char_indices().find(ends).map_or(name.len(), |(at, _)| at);
        text.len() - name.len() + end
    }

    /// Path and query that follow, where the URL stands in the text as it is.
    pub fn plain_rest(&self) -> Option<&str> {
        (self.is_url && self.slash == "/" && self.colon == ":").then(|| self.until_its_end())
    }

    fn until_its_end(&self) -> &str {
        let end = self.rest.find(|letter: char| letter.is_whitespace() || "\"<>'`)".contains(letter));
        let rest = self.rest.get(..end.unwrap_or(self.rest.len())).unwrap_or_default();
        rest.strip_suffix('\\').unwrap_or(rest)
    }

    /// Path and query that follow, without the escapes of their form.
    pub fn path_and_query(&self) -> String {
        let rest = self.until_its_end();
        let plain = rest.replace(self.slash, "/").replace("\\u0026", "&").replace("&amp;", "&");
        percent_encoding::percent_decode_str(&plain).decode_utf8_lossy().into_owned()
    }
}

fn mentions<'t>(text: &'t str, place: &Place) -> Vec<Mention<'t>> {
    let mut found: Vec<Mention<'t>> = text
        .match_indices(place.port.as_str())
        .filter_map(|(at, port)| with_port(text, at, at + port.len(), place))
        .collect();
    if let Some(scheme) = place.implied_by {
        let hosts = place.hosts.iter().chain(&place.domains);
        let named = hosts.flat_map(|host| text.match_indices(host.as_str()).map(|(at, host)| at + host.len()));
        found.extend(named.filter_map(|end| without_port(text, end, place, scheme)));
        found.sort_by_key(|mention| (mention.range.start, std::cmp::Reverse(mention.range.end)));
        found.dedup_by_key(|mention| mention.range.start);
    }
    found
}

fn with_port<'t>(text: &'t str, start: usize, end: usize, place: &Place) -> Option<Mention<'t>> {
    if text.as_bytes().get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let before = text.get(..start)?;
    let colon = COLONS.iter().find(|colon| before.ends_with(*colon))?;
    let before = before.strip_suffix(colon)?;
    let (host, labels) = host_before(before, place)?;
    Some(mention(text, host..end, labels, COLONS.iter().find(|known| *known == colon)?))
}

/// A host that says no port, which its scheme implies.
fn without_port<'t>(text: &'t str, end: usize, place: &Place, scheme: &str) -> Option<Mention<'t>> {
    let after = text.get(end..)?;
    let goes_on = after
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let has_port = COLONS.iter().any(|colon| {
        after
            .strip_prefix(colon)
            .is_some_and(|port| port.starts_with(|letter: char| letter.is_ascii_digit()))
    });
    if goes_on || has_port {
        return None;
    }
    let (host, labels) = host_before(text.get(..end)?, place)?;
    let mention = mention(text, host..end, labels, ":");
    let written = text.get(mention.range.start..)?;
    let is_it = mention.is_url && written.get(..scheme.len())?.eq_ignore_ascii_case(scheme);
    (is_it && !written.get(scheme.len()..)?.starts_with(['s', 'S'])).then_some(mention)
}

/// Where the host that a text ends with begins, and the labels before the place's own.
fn host_before<'t>(text: &'t str, place: &Place) -> Option<(usize, &'t str)> {
    let own = place.hosts.iter().find_map(|host| without_host(text, host));
    if let Some(start) = own
        && labels_start(text, start) == start
    {
        return Some((start, ""));
    }
    let below = |domain: &String| {
        let start = without_host(text, domain)?;
        let from = labels_start(text, start);
        let labels = text.get(from..start)?.strip_suffix('.')?;
        (!labels.is_empty()).then_some((from, labels))
    };
    place.domains.iter().find_map(below).or_else(|| {
        let alone = |domain: &String| without_host(text, domain).filter(|start| labels_start(text, *start) == *start);
        place.domains.iter().find_map(alone).map(|start| (start, ""))
    })
}

/// Where this host begins at the end of a text; its brackets and colons may be escaped.
fn without_host(text: &str, host: &str) -> Option<usize> {
    let ends_with = |host: &str| {
        let start = text.len().checked_sub(host.len())?;
        text.get(start..)?.eq_ignore_ascii_case(host).then_some(start)
    };
    if !host.starts_with('[') {
        return ends_with(host);
    }
    let escaped = host.replace('[', "%5B").replace(']', "%5D").replace(':', "%3A");
    ends_with(host)
        .or_else(|| ends_with(&escaped))
        .or_else(|| ends_with(&escaped.replace('%', "%25")))
}

/// Where the run of letters of a host name ends that leads up to `end`, seen backwards. An escaped
/// slash ends with letters that belong to no name.
fn labels_start(text: &str, end: usize) -> usize {
    let mut start = end;
    while let Some(last) = text.get(..start).and_then(|before| before.chars().next_back()) {
        let before = text.get(..start).unwrap_or_default();
        let is_slash = SLASHES.iter().filter(|slash| slash.len() > 2).any(|slash| before.ends_with(slash));
        if is_slash || !(last.is_ascii_alphanumeric() || matches!(last, '-' | '.' | '_')) {
            break;
        }
        start -= last.len_utf8();
    }
    start
}

/// The mention of an authority, with the scheme that stands before it.
fn mention<'t>(text: &'t str, authority: Range<usize>, labels: &'t str, colon: &'static str) -> Mention<'t> {
    let rest = text.get(authority.end..).unwrap_or_default();
    let bare = Mention {
        range: authority.clone(),
        is_url: false,
        labels,
        rest,
        colon,
        slash: "/",
    };
    let Some((start, colon, slash)) = scheme_before(text.get(..authority.start).unwrap_or_default()) else {
        return bare;
    };
    Mention {
        range: start..authority.end,
        is_url: true,
        colon,
        slash,
        ..bare
    }
}

/// Where the scheme begins that a text ends with, and how its colon and its slashes are written.
fn scheme_before(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let slash = SLASHES.iter().find(|slash| text.ends_with(*slash))?;
    let before = text.strip_suffix(slash)?.strip_suffix(slash)?;
    let colon = COLONS.iter().find(|colon| before.ends_with(*colon))?;
    let before = before.strip_suffix(colon)?;
    let ends_with = |scheme: &&&str| {
        let tail = before.len().checked_sub(scheme.len()).and_then(|start| before.get(start..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(scheme))
    };
    let scheme = SCHEMES.iter().find(ends_with)?;
    Some((before.len() - scheme.len(), colon, slash))
}

fn aws_mentions(text: &str) -> Vec<Mention<'_>> {
    text.match_indices("http")
        .filter_map(|(start, _)| aws_mention(text, start))
        .collect()
}

/// The URLs of this machine and of its network that a text names: scheme, host and port.
pub fn local_urls(text: &str) -> Vec<Uri> {
    let starts = text.match_indices("http").filter_map(|(start, _)| host_at(text, start));
    let local = starts.filter_map(|(colon, _, host, rest)| {
        let digits = rest.strip_prefix(colon)?;
        let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        let port: u16 = digits.get(..end)?.parse().ok()?;
        is_local(host).then(|| format!("http://{host}:{port}").parse().ok()).flatten()
    });
    local.collect()
}

/// Where an HTTP URL's colon and slash are written how, its host, and what follows.
fn host_at(text: &str, start: usize) -> Option<(&'static str, &'static str, &str, &str)> {
    let after = text.get(start + "http".len()..)?;
    let after = after.strip_prefix('s').unwrap_or(after);
    let colon = COLONS.iter().find(|colon| after.starts_with(*colon))?;
    let after = after.strip_prefix(colon)?;
    let slash = SLASHES.iter().find(|slash| after.starts_with(*slash))?;
    let after = after.strip_prefix(slash)?.strip_prefix(slash)?;
    let is_in_host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
    let length = match after.starts_with('[') {
        true => after.find(']')? + 1,
        false => after.find(|letter| !is_in_host(letter)).unwrap_or(after.len()),
    };
    let (host, rest) = after.split_at(length);
    Some((colon, slash, host, rest))
}

fn aws_mention(text: &str, start: usize) -> Option<Mention<'_>> {
    let (colon, slash, host, rest) = host_at(text, start)?;
    is_aws_host(host).then(|| Mention {
        range: start..text.len() - rest.len(),
        is_url: true,
        labels: host,
        rest,
        colon,
        slash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::of_url(&url.parse().unwrap()).unwrap()
    }

    fn changed(text: &str, url: &str) -> String {
        let target = |mention: &Mention<'_>| {
            Some(Target {
                scheme: "https".to_owned(),
                authority: match mention.labels {
                    "" => "aws.example:1".to_owned(),
                    labels => format!("{labels}.aws.example"),
                },
                path: String::new(),
                skip: 0,
            })
        };
        replaced(text, &place(url), &target).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn a_url_is_found_in_every_spelling_of_the_place_and_keeps_its_form() {
        for (text, wanted) in [
            ("http://127.0.0.1:5000/1/q", "https://aws.example:1/1/q"),
            ("https://localhost:5000", "https://aws.example:1"),
            ("HTTP://LocalHost:5000/x", "https://aws.example:1/x"),
            (
                "see http://[::1]:5000/x and http://0.0.0.0:5000.",
                "see https://aws.example:1/x and https://aws.example:1.",
            ),
            ("http%3A%2F%2F127.0.0.1%3A5000%2Fq", "https%3A%2F%2Faws.example%3A1%2Fq"),
            ("http%3a%2f%2flocalhost%3a5000%2fq", "https%3a%2f%2faws.example%3a1%2fq"),
            (
                "http%253A%252F%252F127.0.0.1%253A5000%252Fq",
                "https%253A%252F%252Faws.example%253A1%252Fq",
            ),
            ("http%3A%2F%2F%5B%3A%3A1%5D%3A5000%2Fq", "https%3A%2F%2Faws.example%3A1%2Fq"),
            (r#"{"u":"http:\/\/127.0.0.1:5000\/q"}"#, r#"{"u":"https:\/\/aws.example:1\/q"}"#),
            ("http://sqs.us-east-1.localhost:5000/q", "https://sqs.us-east-1.aws.example/q"),
            (
                "http%3A%2F%2Fsqs.localhost.localstack.cloud%3A5000%2Fq",
                "https%3A%2F%2Fsqs.aws.example%2Fq",
            ),
            ("at 127.0.0.1:5000, or", "at aws.example:1, or"),
        ] {
            assert_eq!(changed(text, "http://127.0.0.1:5000"), wanted);
        }
    }

    #[test]
    fn another_place_is_left_alone() {
        for text in [
            "http://127.0.0.1:50001/q",
            "http://127.0.0.1:500/q",
            "http://127.0.0.1/q",
            "http://1127.0.0.1:5000/q",
            "http://evil-localhost:5000/q",
            "http://example.com:5000/q",
            "5000",
            "a:5000",
        ] {
            assert_eq!(changed(text, "http://127.0.0.1:5000"), text);
        }
        assert_eq!(
            changed("http://127.0.0.1:4566/q", "http://localstack:4566"),
            "http://127.0.0.1:4566/q"
        );
    }

    #[test]
    fn a_port_that_the_scheme_implies_need_not_be_said() {
        for (text, wanted) in [
            ("http://moto/q", "https://aws.example:1/q"),
            ("http://moto:80/q", "https://aws.example:1/q"),
            ("http://sqs.moto/q", "https://sqs.aws.example/q"),
            ("https://moto/q", "https://moto/q"),
            ("http://moto:81/q", "http://moto:81/q"),
            ("http://motor/q", "http://motor/q"),
            ("moto", "moto"),
        ] {
            assert_eq!(changed(text, "http://moto"), wanted);
        }
        assert_eq!(
            changed("https://moto/q http://moto/q", "https://moto"),
            "https://aws.example:1/q http://moto/q"
        );
    }

    #[test]
    fn a_session_s_segment_is_measured_in_every_form() {
        let door = place("http://127.0.0.1:5000");
        for (text, length) in [
            ("http://127.0.0.1:5000/@x:to%2Fken/b?c", "/@x:to%2Fken".len()),
            ("http://127.0.0.1:5000/%40a%252Fb", "/%40a%252Fb".len()),
            ("http%3A%2F%2F127.0.0.1%3A5000%2F%40x%2Fb", "%2F%40x".len()),
            (r"http:\/\/127.0.0.1:5000\/@x\/b", r"\/@x".len()),
            ("http://127.0.0.1:5000/~token/b", "/~token".len()),
            ("http://127.0.0.1:5000/~token/@x/b", "/~token/@x".len()),
            ("http%3A%2F%2F127.0.0.1%3A5000%2F~token%2F%40x%2Fb", "%2F~token%2F%40x".len()),
            ("http://127.0.0.1:5000/b/@x", 0),
        ] {
            assert_eq!(mentions(text, &door)[0].session_length(), length, "{text}");
        }
    }

    #[test]
    fn a_text_of_any_kind_is_read_without_harm() {
        for text in [
            "",
            "5000",
            ":5000",
            "%3A5000",
            "ü:5000",
            "[::1]:5000",
            "http://:5000",
            "//127.0.0.1:5000/ü",
            "2F127.0.0.1:5000",
        ] {
            changed(text, "http://127.0.0.1:5000");
        }
        assert!(aws_mentions("http http:// https://ü https:\\/\\/s3.amazonaws.com").len() == 1);
    }
}
