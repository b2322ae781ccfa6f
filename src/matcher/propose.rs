//! Which rules `--bind auto` proposes: for request members whose value looks made up, was not given
//! by the service before, and comes back.

use super::Tape;
use crate::settings::{Bind, Place};
use crate::value::Value;

/// A rule, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The rule.
    pub rule: Bind,
    /// What was recorded there.
    pub recorded: String,
    /// The interactions in which it recurs, counted from 1.
    pub recurs: Vec<usize>,
}

/// The rules for a tape, by first appearance. None for what a rule binds already.
pub fn proposals(tape: &Tape) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut given = String::new();
    for (position, track) in tape.tracks().iter().enumerate() {
        let input = track.call.as_ref().and_then(|call| {
            let request = &track.interaction.request;
            call.protocol.decode_request(&call.service, call.operation, request).ok()
        });
        let mut texts = Vec::new();
        if let Some(input) = &input {
            collect(input, &mut Vec::new(), &mut texts);
        }
        for (path, text) in texts {
            let is_token = path.len() == 1 && track.token_member() == path.first().map(String::as_str);
            if is_token || is_given_by_the_service(&path) || track.is_redacted(&path) || !is_made_up(text) || given.contains(text) {
                continue;
            }
            let Ok(from) = track.place_of(&path).parse::<Place>() else {
                continue;
            };
            let is_known = |known: &str| known == text;
            if tape
                .bindings
                .list
                .iter()
                .any(|binding| binding.recorded.as_deref().is_some_and(is_known))
                || proposals
                    .iter()
                    .any(|proposal| is_known(&proposal.recorded) || proposal.rule.from == from)
            {
                continue;
            }
            let recurs = recurrences(tape, position, text);
            if !recurs.is_empty() {
                proposals.push(Proposal {
                    rule: Bind { from },
                    recorded: text.to_owned(),
                    recurs,
                });
            }
        }
        given.push_str(&String::from_utf8_lossy(track.interaction.response.body()));
    }
    proposals
}

/// Ids and ARNs are made up too, but by the service.
fn is_given_by_the_service(path: &[String]) -> bool {
    let name = path.iter().rev().find(|name| !name.bytes().all(|byte| byte.is_ascii_digit()));
    name.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        ["id", "ids", "arn", "arns"].iter().any(|end| name.ends_with(end))
    })
}

/// Where a text comes back: in the answer of its own interaction, or in a later one.
fn recurrences(tape: &Tape, position: usize, text: &str) -> Vec<usize> {
    let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
    let later = tape.tracks().iter().enumerate().skip(position);
    later
        .filter(|(at, track)| {
            let taken = &track.interaction;
            let asked = *at > position && (holds(taken.request.body()) || taken.request.uri().to_string().contains(text));
            asked || holds(taken.response.body())
        })
        .map(|(at, _)| at + 1)
        .collect()
}

fn collect<'v>(value: &'v Value, path: &mut Vec<String>, texts: &mut Vec<(Vec<String>, &'v str)>) {
    match value {
        Value::Text(text) => texts.push((path.clone(), text)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            path.push(name.clone());
            collect(member, path, texts);
            path.pop();
        }),
        Value::List(items) => items.iter().enumerate().for_each(|(index, item)| {
            path.push(index.to_string());
            collect(item, path, texts);
            path.pop();
        }),
        _ => {}
    }
}

/// Whether a name looks as if a program had made it up: it has a part of hexadecimal digits, of
/// letters mixed with digits, or a long number, as UUIDs, random suffixes and times are. A short
/// text without white space is a name.
pub fn is_made_up(text: &str) -> bool {
    let is_name = text.len() <= 255 && !text.contains(char::is_whitespace) && !text.contains('/');
    is_name && text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(is_random)
}

fn is_random(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let changes = part
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    let is_hexadecimal = part.len() >= 6 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    // `us-east-1`, `v2`, `t3micro` and `sha256` have one change at the most two; random parts have more.
    digits >= 8 || is_hexadecimal && digits > 0 || part.len() >= 6 && changes >= 3
}

#[cfg(test)]
mod tests {
    use super::super::testing::tape;
    use super::*;

    #[test]
    fn made_up_names_are_told_from_chosen_ones() {
        for text in [
            "it-3f9a21c0",
            "test-20261122004512",
            "x-b7k2p9qz",
            "6f1c1d3e-7a51-4a43-9d8e-0b1a2c3d4e5f",
        ] {
            assert!(is_made_up(text), "{text}");
        }
        for text in [
            "v2.0",
            "us-east-1",
            "frontend",
            "prod-eu",
            "t3micro",
            "sha256",
            "a text with 3f9a21c0",
            "",
            "decade",
        ] {
            assert!(!is_made_up(text), "{text}");
        }
    }

    #[test]
    fn a_made_up_name_that_comes_back_is_proposed() {
        let proposed = |bodies: &[(&str, u16)]| -> Vec<(String, Vec<usize>)> {
            let found = proposals(&tape(bodies)).into_iter();
            found.map(|proposal| (proposal.rule.from.to_string(), proposal.recurs)).collect()
        };
        assert_eq!(
            proposed(&[(r#"{"name":"it-3f9a21c0"}"#, 200), (r#"Get{"name":"it-3f9a21c0"}"#, 200)]),
            [("Put:/name".to_owned(), vec![2])]
        );
        assert_eq!(
            proposed(&[(r#"{"name":"it-3f9a21c0"}"#, 200)]),
            [],
            "what does not recur is no name of anything"
        );
        assert_eq!(proposed(&[(r#"{"name":"frontend"}"#, 200), (r#"Get{"name":"frontend"}"#, 200)]), []);
    }
}
