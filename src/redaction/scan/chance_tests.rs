//! What looks like a secret by chance, among the letters of base64.

use super::*;
use crate::codec::content::gzip;
use crate::redaction::stand_in::base64_text;

fn scrubbed(text: &str) -> Option<String> {
    let (stand_ins, budget) = (StandIns::new(""), Budget::default());
    Some(Search::new(&stand_ins, &budget).scrub(text)?.0)
}

#[test]
fn a_form_among_the_letters_of_base64_that_hides_a_text_is_none() {
    // `cio` and 32 letters behind a `+` is a token of crates.io; this gzip says `the key … and …`.
    let stand_ins = StandIns::new("");
    let text = format!("the key {} and {}", stand_ins.text("secret 26107"), stand_ins.text("other 26107"));
    let encoded = base64_text(&gzip(text.as_bytes()));
    assert!(encoded.contains("+cio7dmjllggVyrdpVfR0XD5CF4oNqc0m1u"), "{encoded}");
    assert_eq!(scrubbed(&encoded), None);
    assert_eq!(scrubbed(&format!("body: {encoded};")), None);
}

#[test]
fn the_padding_of_base64_is_no_value_of_the_name_before_it() {
    assert_eq!(scrubbed("my-password=="), None);
}

#[test]
fn the_same_form_is_a_secret_by_itself_and_behind_base64() {
    let token = "cio7dmjllggVyrdpVfR0XD5CF4oNqc0m1uA";
    for text in [token.to_owned(), format!("x {token}"), format!("https://example.com/a/{token}")] {
        assert!(scrubbed(&text).is_some_and(|clean| !clean.contains(token)), "{text}");
    }
    let hidden = base64_text(&gzip(format!("log in with {token}").as_bytes()));
    assert!(scrubbed(&hidden).is_some_and(|clean| clean != hidden));
}
