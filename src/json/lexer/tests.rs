use super::*;

fn refusal(text: &str) -> Malformed {
    let mut lexer = Lexer::new(text);
    loop {
        match lexer.next() {
            Ok(Token::End) => panic!("{text:?} was taken for JSON"),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

fn lexemes(text: &str) -> Vec<String> {
    let mut lexer = Lexer::new(text);
    let mut out = Vec::new();
    while lexer.next().unwrap() != Token::End {
        out.push(text[lexer.token_start()..lexer.token_end()].to_owned());
    }
    out
}

#[test]
fn lexemes_come_out_as_they_were_written() {
    assert_eq!(
        lexemes(r#" {"a" : [1e2, -0, "\u00e9\/"], "a": {}} "#),
        ["{", r#""a""#, "[", "1e2", "-0", r#""\u00e9\/""#, "]", r#""a""#, "{", "}", "}"]
    );
    assert_eq!(lexemes("[[],{}]").len(), 6);
}

#[test]
fn what_is_not_json_is_refused_at_its_place() {
    for (text, offset) in [
        ("", 0),
        ("{", 1),
        ("{}x", 2),
        ("[1,]", 2),
        ("[]]", 2),
        ("[,1]", 1),
        (r#"{"a":1,}"#, 6),
        (r#"{"a":[1,2],"b":}"#, 15),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":1 "b":2}"#, 7),
        ("{'a':1}", 1),
        ("01", 0),
        ("+1", 0),
        ("1.", 0),
        ("-", 0),
        ("1e", 0),
        ("NaN", 0),
        ("nul", 0),
        ("\"a", 0),
        ("\"a\u{1}\"", 2),
        (r#""\x""#, 1),
        (r#""\u12""#, 1),
        ("[1] // c", 4),
        ("\u{feff}{}", 0),
        ("[1\u{c}]", 2),
    ] {
        assert_eq!(refusal(text).offset, offset, "{text:?}: {}", refusal(text));
    }
    assert_eq!(
        refusal("{\n  \"é\": 1,\n}").to_string(),
        "trailing comma before `}` at byte 11 (line 2, column 9)"
    );
}

#[test]
fn nesting_is_bounded() {
    assert!(lexemes(&("[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH))).len() == 2 * MAX_DEPTH);
    assert_eq!(refusal(&"[".repeat(MAX_DEPTH + 1)).offset, MAX_DEPTH);
}

#[test]
fn escapes_are_decoded_and_lone_surrogates_replaced() {
    for (text, meant) in [
        (r#""a\n\"\\\/\u00e9""#, "a\n\"\\/é"),
        (r#""\ud83d\ude00!""#, "😀!"),
        (r#""\ud83dx""#, "\u{fffd}x"),
        (r#""\ude00""#, "\u{fffd}"),
    ] {
        match Lexer::new(text).next().unwrap() {
            Token::Text(raw) => assert_eq!(raw.decode(), meant),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_value_is_skipped_whole() {
    let text = r#"{"a": {"b": [1, 2]}, "c": 3}"#;
    let mut lexer = Lexer::new(text);
    lexer.next().unwrap();
    lexer.next().unwrap();
    let value = lexer.next().unwrap();
    assert_eq!(lexer.skip(value).unwrap(), r#"{"b": [1, 2]}"#);
    assert!(matches!(lexer.next().unwrap(), Token::Key(_)));
}
